-- How fast the line has moved, from the last grants, and how well starts were foretold (see `estimate.ts`):
-- {secondsEach, classes: {"2": {low, high, samples}, ..}}. secondsEach is null while there are too few grants to tell.
-- low and high are the 5 % and 95 % quantiles of (waited + 1 s) / (expected + 1 s) among the last grants of tasks of that class.
create function start_pace(p_now timestamptz) returns jsonb
-- One plan for all arguments: see `scheduler_snapshot`.
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
declare
  v_first timestamptz;
  v_grants bigint;
  v_classes jsonb;
begin
  with grants as materialized (
    select d.at, (d.inputs->>'class') as class, (d.inputs->>'expectedWaitSeconds')::double precision as expected,
      (d.inputs->>'waitedSeconds')::double precision as waited
    from decisions d
    where d.kind = 'grant' and d.at <= p_now and d.at > p_now - interval '1 hour'
    order by d.at desc limit 100
  ), ratios as (
    select g.class, count(*) as samples,
      percentile_cont(array[0.05, 0.95]) within group (order by (g.waited + 1) / (g.expected + 1)) as bounds
    from grants g where g.expected is not null group by g.class
  )
  select min(g.at), count(*),
    (select jsonb_object_agg(r.class, jsonb_build_object('low', round(r.bounds[1]::numeric, 4), 'high', round(r.bounds[2]::numeric, 4), 'samples', r.samples)) from ratios r)
  into v_first, v_grants, v_classes
  from grants g;
  return jsonb_build_object(
    'secondsEach', case when v_grants >= 2 then round((extract(epoch from p_now - v_first) / v_grants)::numeric, 4) end,
    'classes', coalesce(v_classes, '{}')
  );
end
$$;
