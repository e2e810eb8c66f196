-- Whether a task in this state holds its tenant's quota (A4): what tasks.quota_held must say.
create function holds_quota(p_state text, p_waiting_for text) returns boolean
language sql immutable parallel safe as $$
  select p_state in ('granted', 'running', 'preempting') or (p_state = 'queued' and p_waiting_for = 'pool')
$$;
