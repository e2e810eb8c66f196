-- Renews a lease (A12) under its fencing epoch (A13). The common case is one UPDATE of one row and takes no other lock.
-- Returns task_answer with kind 'renewed', 'finished', 'stale_epoch' or 'not_found'. A preempting task's lease never
-- reaches beyond its deadline.
create function heartbeat_task(p_tenant_id text, p_task_id text, p_epoch bigint, p_policy jsonb, p_now timestamptz) returns jsonb
language plpgsql as $$
declare
  v_task tasks;
begin
  update tasks set
    lease_expires_at = p_now + make_interval(secs => lease_seconds),
    room_until = least(p_now + make_interval(secs => lease_seconds), preempt_deadline)
  where tenant_id = p_tenant_id and task_id = p_task_id and epoch = p_epoch
    and state in ('running', 'preempting') and room_until > p_now;
  if found then
    return task_answer('renewed', p_tenant_id, p_task_id, p_now);
  end if;
  select * into v_task from tasks where tenant_id = p_tenant_id and task_id = p_task_id;
  if not found then
    return jsonb_build_object('kind', 'not_found');
  elsif v_task.epoch = p_epoch and v_task.ended_at is not null then
    return task_answer('finished', p_tenant_id, p_task_id, p_now);
  elsif v_task.epoch = p_epoch and v_task.state = 'paused' then
    return task_answer('paused', p_tenant_id, p_task_id, p_now);
  elsif v_task.epoch = p_epoch and (v_task.state = 'running' or (v_task.state = 'queued' and v_task.lapsed)) then
    if regain_lease(p_tenant_id, p_task_id, p_epoch, p_policy, p_now) then
      return task_answer('renewed', p_tenant_id, p_task_id, p_now);
    end if;
    -- Another call came first: it has ended the task, paused it, or brought the lease back.
    select * into v_task from tasks where tenant_id = p_tenant_id and task_id = p_task_id;
    if v_task.epoch = p_epoch and v_task.ended_at is not null then
      return task_answer('finished', p_tenant_id, p_task_id, p_now);
    elsif v_task.epoch = p_epoch and v_task.state = 'paused' then
      return task_answer('paused', p_tenant_id, p_task_id, p_now);
    elsif v_task.epoch = p_epoch and v_task.state in ('running', 'preempting') and v_task.room_until > p_now then
      return task_answer('renewed', p_tenant_id, p_task_id, p_now);
    end if;
  end if;
  return task_answer('stale_epoch', p_tenant_id, p_task_id, p_now);
end
$$;
