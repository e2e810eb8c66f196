-- Exact USD of an amount in 1e-9 USD, without trailing zeros, for JSON.
create function usd(p_nanos bigint) returns numeric
language sql immutable parallel safe as $$
  select trim_scale(p_nanos * 0.000000001)
$$;
