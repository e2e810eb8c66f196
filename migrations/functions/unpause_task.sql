-- Puts a paused task back into the line at its old place. It holds nothing yet: it is granted when quota and pool both
-- fit. Needs lock_scheduler and the run's lock.
create function unpause_task(p_tenant_id text, p_task_id text, p_now timestamptz) returns void
language plpgsql as $$
begin
  update tasks set state = 'queued', waiting_for = 'quota', waiting_since = p_now, quota_held = false
  where tenant_id = p_tenant_id and task_id = p_task_id and state = 'paused';
  update pool set version = version + 1;
end
$$;
