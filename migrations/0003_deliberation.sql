-- Deliberation: scores of reasoning with their evidence (rules D).
create table deliberation_scores (
  score_id text collate "C" primary key,
  tenant_id text collate "C" not null,
  run_id text collate "C" not null,
  task_id text collate "C",
  phase text,
  overall_score numeric(7, 6) not null,
  depth_score numeric(7, 6) not null,
  coherence_score numeric(7, 6) not null,
  relevance_score numeric(7, 6) not null,
  recommendation text not null,
  thinking_tokens integer,
  model_used text,
  scorer_version text not null,
  thresholds jsonb not null,
  evidence jsonb not null,
  contradictions jsonb not null,
  recommendations jsonb not null,
  text_sha256 text not null,
  created_at timestamptz not null,
  foreign key (tenant_id, run_id) references runs,
  constraint score_in_range check (
    overall_score between 0 and 1 and depth_score between 0 and 1
    and coherence_score between 0 and 1 and relevance_score between 0 and 1
  ),
  constraint score_recommendation_known check (recommendation in ('pass', 'review', 'reject', 'fallback'))
);
create index deliberation_scores_of_run on deliberation_scores (tenant_id, run_id, created_at);
create index deliberation_scores_low on deliberation_scores (created_at desc) where recommendation in ('reject', 'review');
