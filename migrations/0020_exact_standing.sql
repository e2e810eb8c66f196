-- A plan adds what it grants to a tenant's recent use and rounds the sum, as the next snapshot will (A10).
alter type tenant_standing add attribute recent_exact double precision;
