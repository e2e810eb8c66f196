-- Derives a run's status from its tasks and emits run-completed, run-failed or run-cancelled when it ends.
-- Live tasks decide first; among ended ones the newest task of each phase speaks for the phase.
create function refresh_run(p_tenant_id text, p_run_id text, p_cause_id uuid, p_now timestamptz) returns void
language plpgsql as $$
declare
  v_old text;
  v_new text;
begin
  select status into v_old from runs where tenant_id = p_tenant_id and run_id = p_run_id;
  select case
      when count(*) filter (where state in ('granted', 'running', 'preempting')) > 0 then 'running'
      when count(*) filter (where state = 'queued') > 0 then 'queued'
      when count(*) filter (where state = 'paused') > 0 then 'paused'
    end
  into v_new
  from tasks where tenant_id = p_tenant_id and run_id = p_run_id and ended_at is null;
  if v_new is null then
    select case
        when count(*) filter (where state = 'failed') > 0 then 'failed'
        when count(*) filter (where state = 'completed') > 0 then 'completed'
        else 'cancelled'
      end
    into v_new
    from (
      select distinct on (phase) state from tasks
      where tenant_id = p_tenant_id and run_id = p_run_id
      order by phase, accepted_at desc, task_id desc
    ) newest;
  end if;
  if v_new = v_old then
    return;
  end if;
  update runs set
    status = v_new,
    started_at = case when v_new = 'running' then coalesce(started_at, p_now) else started_at end,
    ended_at = case when v_new in ('completed', 'failed', 'cancelled') then p_now end
  where tenant_id = p_tenant_id and run_id = p_run_id;
  if v_new in ('completed', 'failed', 'cancelled') then
    perform emit_event(
      p_tenant_id, p_run_id, null, 'run-' || v_new,
      (select jsonb_build_object('runId', run_id, 'status', status, 'spentUSD', usd(spent_usd_nanos))
       from runs where tenant_id = p_tenant_id and run_id = p_run_id),
      p_cause_id, p_now
    );
  end if;
end
$$;
