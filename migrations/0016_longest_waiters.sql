create index tasks_longest_for_quota on tasks (tenant_id, queue_class, waiting_since) where state = 'queued' and waiting_for = 'quota';
comment on index tasks_longest_for_quota is 'quota_heads: whether a line that waits for quota holds a task that nobody may pass any more';
