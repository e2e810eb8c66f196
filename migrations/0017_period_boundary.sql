-- The same boundaries (see 0015), by a function whose plan a session keeps: one in SQL is planned anew at every call, and every
-- booking of costs and every admission asks for several.
create or replace function period_boundary(p_period jsonb, p_number integer) returns timestamptz
language plpgsql immutable parallel safe as $$
begin
  return (
    case p_period->>'kind'
      when 'anchored' then (p_period->>'anchor')::timestamptz at time zone coalesce(p_period->>'timeZone', 'UTC')
      when 'week' then timestamp '1970-01-05'
      else timestamp '1970-01-01'
    end + p_number * case
      when p_period->>'kind' = 'day' then interval '1 day'
      when p_period->>'kind' = 'week' then interval '7 days'
      when p_period ? 'everyDays' then make_interval(days => (p_period->>'everyDays')::integer)
      else make_interval(months => coalesce((p_period->>'everyMonths')::integer, 1))
    end
  ) at time zone coalesce(p_period->>'timeZone', 'UTC');
end
$$;
