-- What an account (scope 'tenant' or 'org') has spent in the period that holds p_now, in 1e-9 USD.
create function account_spent(p_scope text, p_account_id text, p_period jsonb, p_now timestamptz) returns bigint
language plpgsql stable as $$
begin
  return coalesce((
    select spent_usd_nanos from account_spend
    where scope = p_scope and account_id = p_account_id and period_start = period_start(p_period, p_now)
  ), 0);
end
$$;
