-- The operator's price table when it is another one than the caller's, as {kind: 'stale_prices', version, prices}; null
-- when it is the same, or the caller used none (p_known_version null). Version 0 is the empty table before the first.
create function newer_prices(p_known_version integer) returns jsonb
language sql stable as $$
  select jsonb_build_object('kind', 'stale_prices', 'version', coalesce(t.version, 0), 'prices', coalesce(t.prices, '[]'))
  from (values (1)) one left join lateral (select * from price_tables order by version desc limit 1) t on true
  where coalesce(t.version, 0) <> p_known_version
$$;
