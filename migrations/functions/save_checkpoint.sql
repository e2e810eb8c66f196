-- Stores a checkpoint (P4). A preempting task leaves with it: back to the line, or paused.
-- The sequence must rise; the same sequence with the same content is a repeat and answers as the first time.
-- Leaving needs the scheduler's lock, which is only taken for a task that is seen preempting before any other lock: when
-- the order to leave arrives in between, `left` is false with state preempting, and the caller repeats the call.
-- p_checkpoint: {checkpointId, epoch, sequence, data, location, sizeBytes, sha256}.
-- Returns task_answer with kind 'stored', 'repeated', 'sequence_conflict', 'stale_epoch' or 'not_found', and checkpointId.
create function save_checkpoint(p_tenant_id text, p_task_id text, p_checkpoint jsonb, p_policy jsonb, p_now timestamptz) returns jsonb
language plpgsql as $$
declare
  v_task tasks;
  v_known checkpoints;
  v_sequence bigint := (p_checkpoint->>'sequence')::bigint;
  v_may_leave boolean;
  v_kind text := 'stored';
  v_checkpoint_id text := p_checkpoint->>'checkpointId';
begin
  select * into v_task from tasks where tenant_id = p_tenant_id and task_id = p_task_id;
  if not found then
    return jsonb_build_object('kind', 'not_found');
  end if;
  -- The answer to its own cost report has told the runner to pause, and the order over the bus is still on its way: the checkpoint
  -- carries it out (B5).
  if v_task.state = 'running' and v_task.epoch = (p_checkpoint->>'epoch')::bigint and exists (
    select 1 from runs where tenant_id = p_tenant_id and run_id = v_task.run_id and budget_paused
  ) then
    perform act_on_budget(p_tenant_id, v_task.run_id, 'pause', 'runner', (
      select event_id from events
      where kind = 'event' and tenant_id = p_tenant_id and run_id = v_task.run_id and detail_type = 'run-paused-for-budget'
      order by event_seq desc limit 1
    ), p_policy, p_now);
    select * into v_task from tasks where tenant_id = p_tenant_id and task_id = p_task_id;
  end if;
  v_may_leave := v_task.state = 'preempting';
  if v_may_leave then
    v_task := lock_task(p_tenant_id, p_task_id);
  else
    perform 1 from runs where tenant_id = p_tenant_id and run_id = v_task.run_id for no key update;
    select * into v_task from tasks where tenant_id = p_tenant_id and task_id = p_task_id for no key update;
  end if;

  select * into v_known from checkpoints where tenant_id = p_tenant_id and task_id = p_task_id and sequence = v_sequence;
  if found and v_known.epoch = (p_checkpoint->>'epoch')::bigint
    and v_known.data is not distinct from nullif(p_checkpoint->'data', 'null') and v_known.location is not distinct from p_checkpoint->>'location'
  then
    v_kind := 'repeated';
    v_checkpoint_id := v_known.checkpoint_id;
  elsif v_task.epoch <> (p_checkpoint->>'epoch')::bigint
    or not (v_task.state in ('running', 'preempting') or (v_task.state = 'queued' and v_task.lapsed))
  then
    return task_answer('stale_epoch', p_tenant_id, p_task_id, p_now);
  elsif v_sequence <= v_task.checkpoint_sequence then
    return task_answer('sequence_conflict', p_tenant_id, p_task_id, p_now);
  end if;

  if v_kind = 'stored' then
    insert into checkpoints (
      checkpoint_id, tenant_id, task_id, run_id, epoch, sequence, data, location, size_bytes, sha256, spent_usd_nanos, created_at
    ) values (
      v_checkpoint_id, p_tenant_id, p_task_id, v_task.run_id, v_task.epoch, v_sequence,
      nullif(p_checkpoint->'data', 'null'), p_checkpoint->>'location', (p_checkpoint->>'sizeBytes')::bigint, p_checkpoint->>'sha256',
      v_task.spent_usd_nanos, p_now
    );
    update tasks set
      checkpoint_id = v_checkpoint_id, checkpoint_sequence = v_sequence, spent_at_checkpoint_usd_nanos = spent_usd_nanos,
      -- A checkpoint taken while running ends the shield (P1); the one on the way out does not.
      preemption_streak = case
        when state = 'running' and preemption_streak >= policy_number(p_policy, 'shield_after_preemptions') then 0
        else preemption_streak
      end
    where tenant_id = p_tenant_id and task_id = p_task_id
    returning * into v_task;
    perform emit_event(p_tenant_id, v_task.run_id, p_task_id, 'checkpoint-saved', jsonb_build_object(
      'taskId', p_task_id, 'checkpointId', v_checkpoint_id, 'sequence', v_sequence,
      'sizeBytes', (p_checkpoint->>'sizeBytes')::bigint
    ), v_task.preempt_event_id, p_now);
  end if;
  v_may_leave := v_may_leave and v_task.state = 'preempting' and v_task.checkpoint_id = v_checkpoint_id;
  if v_may_leave then
    v_task := leave_room(
      v_task, case v_task.preempt_action when 'pause' then 'paused' else 'queued' end,
      case v_task.preempt_action when 'pause' then 'paused' else 'preempted' end, false, p_policy, p_now
    );
    perform refresh_run(p_tenant_id, v_task.run_id, null, p_now);
  end if;
  return task_answer(v_kind, p_tenant_id, p_task_id, p_now) || jsonb_build_object('checkpointId', v_checkpoint_id, 'left', v_may_leave);
end
$$;
