-- Numbers of the policy that a tenant has of its own (rules A6, A11, A12, P4).
alter table tenants
  -- {name of the number: value}, laid over the stage's policy; only those that concern the tenant by itself.
  add column policy jsonb not null default '{}',
  add column policy_updated_at timestamptz,
  add column policy_updated_by text,
  add constraint tenant_policy_is_object check (jsonb_typeof(policy) = 'object');
