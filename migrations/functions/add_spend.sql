-- Adds costs to what an account (scope 'tenant' or 'org') has spent in each of its periods, and returns what it has spent in the one
-- that holds p_now, in 1e-9 USD. p_costs, p_times: each cost and when it occurred; p_total: their sum; p_first_at: the earliest.
-- Needs the locks of `lock_accounts`.
create function add_spend(
  p_scope text, p_account_id text, p_period jsonb, p_total bigint, p_first_at timestamptz, p_costs bigint[], p_times timestamptz[], p_now timestamptz
) returns bigint
language plpgsql as $$
declare
  v_period_start timestamptz := period_start(p_period, p_now);
  v_spent_nanos bigint;
begin
  if p_first_at >= v_period_start then
    insert into account_spend as s (scope, account_id, period_start, spent_usd_nanos) values (p_scope, p_account_id, v_period_start, p_total)
    on conflict (scope, account_id, period_start) do update set spent_usd_nanos = s.spent_usd_nanos + excluded.spent_usd_nanos
    returning s.spent_usd_nanos into v_spent_nanos;
    return v_spent_nanos;
  end if;
  insert into account_spend as s (scope, account_id, period_start, spent_usd_nanos)
  select p_scope, p_account_id, case when at >= v_period_start then v_period_start else period_start(p_period, at) end, sum(cost)
  from unnest(p_costs, p_times) as c (cost, at)
  group by 3
  on conflict (scope, account_id, period_start) do update set spent_usd_nanos = s.spent_usd_nanos + excluded.spent_usd_nanos;
  return account_spent(p_scope, p_account_id, p_period, p_now);
end
$$;
