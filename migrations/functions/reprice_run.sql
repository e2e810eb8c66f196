-- Books, for each event of a run, what it costs now beyond what the ledger has of it, as one correction event. What the
-- ledger has is read one re-pricing of a run at a time, so that two at once correct nothing twice.
-- p_targets: [{corrects, eventId, costNanos (text), provider, model, taskId, priceVersion, unitPrices, occurredAt}], costNanos
-- being the whole price of the event `corrects`; p_price_table: the version of the table that they were priced by.
-- Returns {kind: 'repriced', corrected, differenceNanos (text)}, or what newer_prices says, having written nothing.
create function reprice_run(p_tenant_id text, p_run_id text, p_targets jsonb, p_price_table integer, p_policy jsonb, p_now timestamptz) returns jsonb
language plpgsql as $$
declare
  v_corrections jsonb;
  v_difference_nanos bigint;
  v_booked jsonb;
begin
  perform lock_costs(p_tenant_id, p_run_id, p_policy, p_now);
  select
    coalesce(jsonb_agg(t || jsonb_build_object('costNanos', difference::text, 'kind', 'correction', 'costStated', false)), '[]'),
    coalesce(sum(difference), 0)
  into v_corrections, v_difference_nanos
  from (
    select t, (t->>'costNanos')::bigint - sum(c.cost_usd_nanos)::bigint as difference
    from jsonb_array_elements(p_targets) as list (t)
    join lateral (
      select cost_usd_nanos from cost_events
      where tenant_id = p_tenant_id and run_id = p_run_id and event_id = t->>'corrects'
      union all
      select cost_usd_nanos from cost_events
      where tenant_id = p_tenant_id and run_id = p_run_id and corrects = t->>'corrects'
    ) c on true
    group by t
  ) differing
  where difference <> 0;
  v_booked := record_costs(p_tenant_id, p_run_id, v_corrections, p_policy, p_now, p_price_table => p_price_table);
  if v_booked->>'kind' <> 'booked' then
    return v_booked;
  end if;
  return jsonb_build_object(
    'kind', 'repriced', 'corrected', jsonb_array_length(v_booked->'accepted'), 'differenceNanos', v_difference_nanos::text
  );
end
$$;
