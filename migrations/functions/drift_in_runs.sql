-- Of runs: sums over their tasks, their ledger and their timeline; the status that their tasks give them, by the rule of
-- refresh_run; and what the budget has brought about. A part of counter_drift.
create function drift_in_runs(p_tenants text[])
returns table (what text, row_key jsonb, part text, counter text, stored text, derived text)
language sql stable as $$
  with by_tasks as (
    select tenant_id, run_id, count(*) filter (where holds_quota(state, waiting_for)) as live_tasks,
      sum(preemptions) as preemptions, sum(lost_work_usd_nanos) as lost_work, max(ended_at) as ended_at,
      bool_or(room_until is not null) as in_room, bool_or(state = 'queued') as queued, bool_or(state = 'paused') as paused
    from tasks where p_tenants is null or tenant_id = any (p_tenants)
    group by tenant_id, run_id
  ), by_newest as (
    -- Once all have ended, the newest task of each phase speaks for the phase.
    select tenant_id, run_id, bool_or(state = 'failed') as failed, bool_or(state = 'completed') as completed
    from (
      select distinct on (tenant_id, run_id, phase) tenant_id, run_id, state from tasks
      where p_tenants is null or tenant_id = any (p_tenants)
      order by tenant_id, run_id, phase, accepted_at desc, task_id desc
    ) newest
    group by tenant_id, run_id
  ), by_ledger as (
    select e.tenant_id, e.run_id, sum(e.cost_usd_nanos) as spent,
      sum(e.cost_usd_nanos) filter (where r.period_ends_at is null or e.occurred_at >= r.period_start) as period_spent
    from cost_events e join runs r using (tenant_id, run_id)
    where p_tenants is null or e.tenant_id = any (p_tenants)
    group by e.tenant_id, e.run_id
  ), by_timeline as (
    select tenant_id, run_id, max(sequence) as last_sequence from events
    where kind = 'event' and run_id is not null and (p_tenants is null or tenant_id = any (p_tenants))
    group by tenant_id, run_id
  ), by_thresholds as (
    select e.tenant_id, e.run_id,
      bool_or(e.level = 'throttle') as throttled,
      bool_or(e.level = 'throttle' and e.budget_version = r.budget_version and e.period_start = r.period_start) as throttled_now,
      bool_or(e.level = 'pause') as paused,
      bool_or(e.level = 'pause' and e.budget_version = r.budget_version and e.period_start = r.period_start) as paused_now
    from budget_events e join runs r using (tenant_id, run_id)
    where p_tenants is null or e.tenant_id = any (p_tenants)
    group by e.tenant_id, e.run_id
  ), compared as (
    select r.tenant_id, r.run_id, c.counter, c.stored, c.derived
    from runs r
    left join by_tasks t using (tenant_id, run_id)
    left join by_newest n using (tenant_id, run_id)
    left join by_ledger l using (tenant_id, run_id)
    left join by_timeline e using (tenant_id, run_id)
    left join by_thresholds f using (tenant_id, run_id)
    cross join lateral (
      select case when t.in_room then 'running' when t.queued then 'queued' when t.paused then 'paused'
        when n.failed then 'failed' when n.completed then 'completed' else 'cancelled' end as status
    ) s
    cross join lateral (values
      ('live_tasks', r.live_tasks::text, coalesce(t.live_tasks, 0)::text),
      ('spent_usd_nanos', r.spent_usd_nanos::text, coalesce(l.spent, 0)::text),
      ('period_spent_usd_nanos', r.period_spent_usd_nanos::text, coalesce(l.period_spent, 0)::text),
      ('event_sequence', r.event_sequence::text, coalesce(e.last_sequence, 0)::text),
      ('preemptions', r.preemptions::text, coalesce(t.preemptions, 0)::text),
      ('lost_work_usd_nanos', r.lost_work_usd_nanos::text, coalesce(t.lost_work, 0)::text),
      ('status', r.status, s.status),
      ('ended_at', r.ended_at::text,
        case when s.status in ('completed', 'failed', 'cancelled') then coalesce(r.ended_at, t.ended_at) end::text),
      -- What fired under this limit holds, and what never fired does not. Between the two, set_budget alone knows whether the
      -- present limit has lifted what an earlier one brought about, and the flag stands as it is.
      ('demoted', r.demoted::text, (coalesce(f.throttled_now, false) or (r.demoted and coalesce(f.throttled, false)))::text),
      ('budget_paused', r.budget_paused::text, (coalesce(f.paused_now, false) or (r.budget_paused and coalesce(f.paused, false)))::text)
    ) c (counter, stored, derived)
    where p_tenants is null or r.tenant_id = any (p_tenants)
  )
  select 'runs', jsonb_build_object('tenant_id', tenant_id, 'run_id', run_id), null::text, counter,
    case counter when 'ended_at' then iso_time(stored::timestamptz) else stored end,
    case counter when 'ended_at' then iso_time(derived::timestamptz) else derived end
  from compared where stored is distinct from derived
$$;
