-- Views for operators; names and columns are part of the contract.

create view v_budget_status as
select r.tenant_id, r.run_id, r.status,
  round(r.limit_usd_nanos / 1e9, 9) as limit_usd,
  round(r.spent_usd_nanos / 1e9, 9) as spent_usd,
  round(r.held_usd_nanos / 1e9, 9) as held_usd,
  round(r.limit_usd_nanos / 1e9, 9) - round(r.spent_usd_nanos / 1e9, 9) as remaining_usd,
  round(100.0 * r.spent_usd_nanos / r.limit_usd_nanos, 3) as percent_used,
  case
    when 100.0 * r.spent_usd_nanos / r.limit_usd_nanos >= t.pause_percent then 'pause'
    when 100.0 * r.spent_usd_nanos / r.limit_usd_nanos >= t.throttle_percent then 'throttle'
    when 100.0 * r.spent_usd_nanos / r.limit_usd_nanos >= t.warn_percent then 'warning'
    else 'ok'
  end as level,
  r.budget_version, r.demoted, r.budget_paused
from runs r join tenants t using (tenant_id);

create view v_tenant_usage_current as
select t.tenant_id,
  q.cpu_limit, t.cpu_held, t.cpu_in_use,
  q.memory_gb_limit, t.memory_gb_held, t.memory_gb_in_use,
  q.concurrent_runs_limit, t.runs_held as concurrent_runs,
  q.cost_limit_usd,
  round(coalesce(s.spent_usd_nanos, 0) / 1e9, 9) as cost_spent_usd,
  round(t.cost_held_usd_nanos / 1e9, 9) as cost_held_usd,
  t.throttled_until, t.weight, t.quality_gate
from tenants t
left join lateral (
  select
    max(limit_value) filter (where resource = 'cpu') as cpu_limit,
    max(limit_value) filter (where resource = 'memory') as memory_gb_limit,
    max(limit_value) filter (where resource = 'concurrent_runs') as concurrent_runs_limit,
    max(limit_value) filter (where resource = 'cost') as cost_limit_usd,
    max(period) filter (where resource = 'cost') as cost_period
  from tenant_quotas where tenant_id = t.tenant_id
) q on true
left join lateral (
  select sum(spent_usd_nanos) as spent_usd_nanos from tenant_spend
  where tenant_id = t.tenant_id and (q.cost_period = 'none' or period_start = date_trunc('month', now(), 'UTC'))
) s on true;

create view v_priority_queue as
select tenant_id, run_id, task_id, phase, state, class, queue_class, overridable, cpu, memory_gb,
  waiting_for, waiting_since, accepted_at, preempted, preempted_at, preemptions, preempt_reason,
  checkpoint_id, checkpoint_sequence, epoch
from tasks
where ended_at is null;

create view v_low_quality_reasoning as
select score_id, tenant_id, run_id, task_id, phase, overall_score, depth_score, coherence_score, relevance_score,
  recommendation, contradictions, recommendations, scorer_version, created_at
from deliberation_scores
where recommendation in ('reject', 'review')
order by created_at desc;
