-- Spending may be any multiple of a limit: of the smallest limit, 1e-9 USD, a percentage has up to 21 digits before the point.
alter table budget_events alter column percent_used type numeric(24, 3);
alter table tenant_budget_events alter column percent_used type numeric(24, 3);
