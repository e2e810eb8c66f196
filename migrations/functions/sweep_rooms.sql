-- The timed duties on tasks that hold room (A11, A12, P4, B9), at most p_max of them: grants that nobody claimed go back
-- to their old place; tasks past their preemption deadline are reclaimed with their last checkpoint; lapsed leases are
-- requeued, and failed once they lapsed too often; runs past their duration fail. Everything here has stopped counting
-- by the clock already; the sweep only writes it down. Returns {unclaimed, reclaimed, lapsed, failed, overdue}.
create function sweep_rooms(p_policy jsonb, p_max integer, p_now timestamptz) returns jsonb
language plpgsql as $$
declare
  v_keys record;
  v_task tasks;
  v_done jsonb := jsonb_build_object('unclaimed', 0, 'reclaimed', 0, 'lapsed', 0, 'failed', 0, 'overdue', 0);
  v_what text;
  v_pause boolean;
  v_tenants text[];
begin
  if not exists (select 1 from tasks where room_until is not null and room_until <= p_now) and not exists (
    select 1 from runs where max_duration_ms is not null and live_tasks > 0 and started_at + max_duration_ms * interval '1 millisecond' <= p_now
  ) then
    return v_done;
  end if;
  v_tenants := array(
    select tenant_id from tasks where room_until is not null and room_until <= p_now
    union select tenant_id from runs where max_duration_ms is not null and live_tasks > 0 and started_at + max_duration_ms * interval '1 millisecond' <= p_now
  );
  perform lock_scheduler(v_tenants);
  for v_keys in
    select tenant_id, run_id, task_id, false as overdue from tasks
    -- Of a tenant that is locked: what has become due meanwhile is left to the next sweep.
    where room_until is not null and room_until <= p_now and tenant_id = any (v_tenants)
    union
    select t.tenant_id, t.run_id, t.task_id, true from runs r join tasks t using (tenant_id, run_id)
    where r.max_duration_ms is not null and r.live_tasks > 0 and r.started_at + r.max_duration_ms * interval '1 millisecond' <= p_now
      and t.ended_at is null and t.tenant_id = any (v_tenants)
    order by tenant_id, run_id, task_id, overdue desc
    limit p_max
  loop
    perform 1 from runs where tenant_id = v_keys.tenant_id and run_id = v_keys.run_id for no key update;
    select * into v_task from tasks where tenant_id = v_keys.tenant_id and task_id = v_keys.task_id for no key update;
    if v_keys.overdue and v_task.ended_at is null then
      v_what := 'overdue';
      perform end_task(v_task, 'failed', 'max_duration', 'the run is past its budget.maxDurationMs', p_policy, p_now);
    elsif v_task.room_until is null or v_task.room_until > p_now then
      continue;
    elsif v_task.state = 'granted' then
      v_what := 'unclaimed';
      perform leave_room(v_task, 'queued', 'unclaimed', false, p_policy, p_now);
    elsif v_task.state = 'preempting' then
      v_what := 'reclaimed';
      v_pause := v_task.preempt_action = 'pause';
      perform leave_room(v_task, case when v_pause then 'paused' else 'queued' end, case when v_pause then 'paused' else 'preempted' end, true, p_policy, p_now);
    else
      perform emit_event(v_task.tenant_id, v_task.run_id, v_task.task_id, 'lease-expired', jsonb_build_object(
        'taskId', v_task.task_id, 'epoch', v_task.epoch, 'expiredAt', iso_time(v_task.room_until), 'lapses', v_task.lapses + 1
      ), null, p_now);
      if v_task.lapses >= policy_number(tenant_policy(v_task.tenant_id, p_policy), 'lapses_max') then
        v_what := 'failed';
        perform end_task(v_task, 'failed', 'lease_expired', 'its lease lapsed too often', p_policy, p_now);
      else
        v_what := 'lapsed';
        perform leave_room(v_task, 'queued', 'lapsed', true, p_policy, p_now);
      end if;
    end if;
    perform refresh_run(v_task.tenant_id, v_task.run_id, null, p_now);
    v_done := jsonb_set(v_done, array[v_what], to_jsonb((v_done->>v_what)::integer + 1));
  end loop;
  -- Promises that ran out open their room again.
  update tasks set promised = false, promised_until = null where promised and promised_until <= p_now;
  return v_done;
end
$$;
