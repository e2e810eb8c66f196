-- Puts a doorbell for a granted task into the outbox: an SQS message on the queue of its class (A14).
create function ring_doorbell(p_task tasks, p_kind text, p_now timestamptz) returns void
language plpgsql as $$
begin
  insert into events (event_id, kind, tenant_id, run_id, task_id, detail_type, sequence, class, body, occurred_at)
  values (
    gen_random_uuid(), 'doorbell', p_task.tenant_id, p_task.run_id, p_task.task_id, p_kind, p_task.epoch, p_task.queue_class,
    jsonb_build_object(
      'taskId', p_task.task_id, 'runId', p_task.run_id, 'tenantId', p_task.tenant_id,
      'class', 'P' || p_task.queue_class, 'epoch', p_task.epoch, 'kind', p_kind
    ),
    p_now
  );
end
$$;
