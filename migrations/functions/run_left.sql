-- What a run may still spend in the period that holds p_now, in 1e-9 USD (B3, B8): what it holds once it has a live task.
create function run_left(p_run runs, p_now timestamptz) returns bigint
language sql immutable as $$
  select case when p_run.period_ends_at <= p_now then p_run.limit_usd_nanos else greatest(p_run.limit_usd_nanos - p_run.period_spent_usd_nanos, 0) end
$$;
