-- Counts an account's ledger anew by its period, which has changed. Reads the whole of it: an operator's rare call.
-- Needs the locks of `lock_accounts`, under which nothing is booked on the account.
create function rebuild_spend(p_scope text, p_account_id text, p_period jsonb) returns void
language plpgsql as $$
begin
  -- Nothing is ever deleted: a start that no period has any more stays with nothing spent.
  update account_spend set spent_usd_nanos = 0 where scope = p_scope and account_id = p_account_id;
  insert into account_spend (scope, account_id, period_start, spent_usd_nanos)
  select p_scope, p_account_id, period_start(p_period, e.occurred_at), sum(e.cost_usd_nanos)
  from (
    select occurred_at, cost_usd_nanos from cost_events where p_scope = 'tenant' and tenant_id = p_account_id
    union all
    select occurred_at, cost_usd_nanos from cost_events where p_scope = 'org' and org_id = p_account_id
  ) e
  group by 3
  on conflict (scope, account_id, period_start) do update set spent_usd_nanos = excluded.spent_usd_nanos;
end
$$;
