-- Whether settled spend can have reached any threshold of a budget: false is certain, true is for the functions that fire them to
-- judge. Compared as products, as there. Null without a limit.
create function may_fire(p_spent_nanos bigint, p_limit_nanos numeric, p_warn numeric, p_throttle numeric, p_pause numeric, p_alerts numeric[]) returns boolean
language sql immutable parallel safe as $$
  select coalesce(p_alerts, '{}') <> '{}' or p_spent_nanos * 100.0 >= least(p_warn, p_throttle, p_pause) * p_limit_nanos
$$;
