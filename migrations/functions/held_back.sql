-- Whether a waiting task may not start whatever room there is: it was preempted for a newcomer that still waits on the promise
-- it was given for that (P3), or its run's budget is used up (B5). A later promise of the same task is for another need: an
-- earlier victim may hold a promise itself by then, and room that is kept for it must not lie idle.
create function held_back(
  p_tenant_id text, p_run_id text, p_by_tenant_id text, p_by_task_id text, p_for_promise integer, p_now timestamptz
) returns boolean
language plpgsql stable as $$
begin
  if p_by_task_id is not null and exists (
    select 1 from tasks w
    where w.tenant_id = p_by_tenant_id and w.task_id = p_by_task_id and w.promises = p_for_promise and w.promised
      and (w.promised_until is null or w.promised_until > p_now)
  ) then
    return true;
  end if;
  return exists (select 1 from runs r where r.tenant_id = p_tenant_id and r.run_id = p_run_id and r.budget_paused);
end
$$;
