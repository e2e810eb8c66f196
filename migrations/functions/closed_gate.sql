-- The rejected score that keeps a run's quality gate closed (D5), or null while it is open. Of the scores that count for it, in
-- the order in which they were recorded, the last that passed or was rejected decides: a review or a fallback moves nothing.
create function closed_gate(p_tenant_id text, p_run_id text) returns jsonb
language plpgsql stable as $$
declare
  v_score deliberation_scores;
  v_last text;
begin
  select * into v_score from deliberation_scores
  where tenant_id = p_tenant_id and run_id = p_run_id and counts_for_gate and recommendation in ('pass', 'reject')
  order by score_number desc limit 1;
  if v_score.recommendation is distinct from 'reject' then
    return null;
  end if;
  select recommendation into v_last from deliberation_scores
  where tenant_id = p_tenant_id and run_id = p_run_id and counts_for_gate order by score_number desc limit 1;
  return jsonb_build_object(
    'scoreId', v_score.score_id, 'phase', coalesce(v_score.phase, 'the run'), 'overall', v_score.overall_score, 'depth', v_score.depth_score,
    'coherence', v_score.coherence_score, 'relevance', v_score.relevance_score, 'scorerVersion', v_score.scorer_version,
    'thresholds', v_score.thresholds, 'recommendations', v_score.recommendations, 'at', iso_time(v_score.created_at), 'lastVerdict', v_last
  );
end
$$;
