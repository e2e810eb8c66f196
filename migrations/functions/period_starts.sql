-- The first moments of the periods that hold p_from to p_to, in order; 1970 alone without periods. The period of an instant
-- between them is starts[width_bucket(instant, starts)]: for sums over a whole ledger, where `period_start` of each event takes long.
create function period_starts(p_period jsonb, p_from timestamptz, p_to timestamptz) returns timestamptz[]
language sql immutable parallel safe as $$
  select case when p_period->>'kind' = 'none' then array['epoch'::timestamptz] else array(
    select period_boundary(p_period, number)
    from generate_series(period_number(p_period, p_from), period_number(p_period, p_to)) as number
    order by number
  ) end
$$;
