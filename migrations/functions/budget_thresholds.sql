-- The percentages of a budget at which something fires, each once, with the level that is told. One that only alerts is a
-- warning, and gives way to warn, throttle and pause where they agree.
create function budget_thresholds(p_warn numeric, p_throttle numeric, p_pause numeric, p_alerts numeric[])
returns table (percent numeric, level text)
language sql immutable as $$
  select distinct on (t.percent) t.percent, t.level
  from (
    values (p_warn, 'warning', 1), (p_throttle, 'throttle', 1), (p_pause, 'pause', 1)
    union all
    select unnest(p_alerts), 'warning', 2
  ) as t (percent, level, preference)
  order by t.percent, t.preference
$$;
