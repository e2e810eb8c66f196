-- What every call on a task answers from: {kind, task, run, budget, checkpoint, tenantPercents}.
create function task_answer(p_kind text, p_tenant_id text, p_task_id text, p_now timestamptz) returns jsonb
language plpgsql stable as $$
declare
  v_task tasks;
  v_run runs;
  v_tenant tenants;
begin
  select * into v_task from tasks where tenant_id = p_tenant_id and task_id = p_task_id;
  if not found then
    return jsonb_build_object('kind', 'not_found');
  end if;
  select * into v_run from runs where tenant_id = p_tenant_id and run_id = v_task.run_id;
  select * into v_tenant from tenants where tenant_id = p_tenant_id;
  return jsonb_build_object(
    'kind', p_kind, 'task', to_jsonb(v_task),
    'run', jsonb_build_object('status', v_run.status, 'startedAt', v_run.started_at, 'maxDurationMs', v_run.max_duration_ms, 'demoted', v_run.demoted, 
      -- A period that is over pauses nobody (B8).
      'budgetPaused', v_run.budget_paused and coalesce(v_run.period_ends_at > p_now, true)),
    'budget', budget_snapshot(v_tenant, v_run, v_task.run_id, null, p_now),
    'checkpoint', (select to_jsonb(c) from checkpoints c where c.checkpoint_id = v_task.checkpoint_id)
  );
end
$$;
