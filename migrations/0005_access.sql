-- Access: API keys. Only a hash of the secret is stored.
create table api_keys (
  key_id text collate "C" primary key,
  scope text not null,
  tenant_id text collate "C" references tenants,
  secret_hash text not null,
  label text,
  created_at timestamptz not null,
  created_by text not null,
  expires_at timestamptz,
  revoked_at timestamptz,
  constraint key_scope_known check (scope in ('runner', 'operator')),
  constraint runner_key_has_tenant check ((scope = 'runner') = (tenant_id is not null))
);
create index api_keys_of_tenant on api_keys (tenant_id, created_at);
