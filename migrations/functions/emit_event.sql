-- Writes one event into the timeline and outbox, in the caller's transaction (E1). Returns its id.
-- The sequence is per run (per tenant for events without a run), taken under the row's lock.
create function emit_event(
  p_tenant_id text, p_run_id text, p_task_id text, p_type text, p_data jsonb, p_cause_id uuid, p_now timestamptz
) returns uuid
language plpgsql as $$
declare
  v_id uuid := gen_random_uuid();
  v_sequence bigint;
begin
  if p_run_id is null then
    update tenants set event_sequence = event_sequence + 1 where tenant_id = p_tenant_id
    returning event_sequence into v_sequence;
  else
    update runs set event_sequence = event_sequence + 1 where tenant_id = p_tenant_id and run_id = p_run_id
    returning event_sequence into v_sequence;
  end if;
  insert into events (event_id, kind, tenant_id, run_id, task_id, detail_type, sequence, cause_id, body, occurred_at)
  values (
    v_id, 'event', p_tenant_id, p_run_id, p_task_id, p_type, v_sequence, p_cause_id,
    jsonb_build_object(
      'id', v_id, 'version', '1.0', 'occurredAt', iso_time(p_now), 'tenantId', p_tenant_id, 'runId', p_run_id,
      'taskId', p_task_id, 'sequence', v_sequence, 'causeId', p_cause_id, 'data', p_data
    ),
    p_now
  );
  return v_id;
end
$$;
