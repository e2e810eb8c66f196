-- Stores a score of reasoning with its evidence and emits deliberation-scored; a reject adds a violation (D5). Scores of a run are
-- recorded one after another, under its lock, which makes their order total.
-- p_score: the row's fields in camelCase. Returns false when the run, or the task of it, does not exist.
create function record_deliberation(p_tenant_id text, p_run_id text, p_score jsonb, p_now timestamptz) returns boolean
language plpgsql as $$
declare
  v_task_id text := p_score->>'taskId';
begin
  perform 1 from tenants where tenant_id = p_tenant_id for no key update;
  perform 1 from runs where tenant_id = p_tenant_id and run_id = p_run_id for no key update;
  if not found then
    return false;
  end if;
  if v_task_id is not null then
    perform 1 from tasks where tenant_id = p_tenant_id and run_id = p_run_id and task_id = v_task_id;
    if not found then
      return false;
    end if;
  end if;
  insert into deliberation_scores (
    score_id, tenant_id, run_id, task_id, phase, overall_score, depth_score, coherence_score, relevance_score, recommendation,
    thinking_tokens, model_used, scorer_version, thresholds, evidence, contradictions, recommendations, text_sha256, counts_for_gate, created_at
  ) values (
    p_score->>'scoreId', p_tenant_id, p_run_id, v_task_id, p_score->>'phase', (p_score->>'overall')::numeric, (p_score->>'depth')::numeric,
    (p_score->>'coherence')::numeric, (p_score->>'relevance')::numeric, p_score->>'recommendation', (p_score->>'thinkingTokens')::integer,
    p_score->>'modelUsed', p_score->>'scorerVersion', p_score->'thresholds', p_score->'evidence', p_score->'contradictions',
    p_score->'recommendations', p_score->>'textSha256', (p_score->>'countsForGate')::boolean, p_now
  );
  if p_score->>'recommendation' = 'reject' then
    insert into quota_violations (violation_id, tenant_id, run_id, task_id, type, severity, message, at)
    values (
      p_score->>'violationId', p_tenant_id, p_run_id, v_task_id, 'low_reasoning_quality', 'warning',
      p_score->>'violationMessage', p_now
    );
  end if;
  -- What a refusal said of the gate is no longer what it would say (A7).
  update tenants set answers_version = answers_version + 1
  where tenant_id = p_tenant_id and quality_gate <> 'off' and (p_score->>'countsForGate')::boolean;
  perform emit_event(p_tenant_id, p_run_id, v_task_id, 'deliberation-scored', jsonb_build_object(
    'taskId', v_task_id,
    'score', jsonb_build_object('overall', p_score->'overall', 'depth', p_score->'depth', 'coherence', p_score->'coherence', 'relevance', p_score->'relevance'),
    'recommendation', p_score->>'recommendation'
  ), null, p_now);
  return true;
end
$$;
