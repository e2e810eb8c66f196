/** Hears what the stage announces, as a subscriber of its bus would: the rows of the outbox, in order, once. */

import type { Database } from '../../shared/platform/db.ts';

export type Announcement =
  | { readonly kind: 'granted'; readonly taskId: string; readonly epoch: number }
  | { readonly kind: 'told_to_leave'; readonly taskId: string; readonly newcomerId: string | null };

type EventRow = {
  readonly event_seq: bigint;
  readonly detail_type: string;
  readonly data: { taskId: string; epoch: number; preemptedBy?: string } | null;
};

/** Each call of the result gives what was announced since the last one. */
export function listenTo(database: Database): () => Promise<Announcement[]> {
  let heard = 0n;
  return async () => {
    const rows = await database.query<EventRow>(
      `select event_seq, detail_type,
         case when detail_type in ('task-granted', 'preempt-requested') then body->'data' end as data
       from events where kind = 'event' and event_seq > $1 order by event_seq`,
      [heard],
    );
    heard = rows.at(-1)?.event_seq ?? heard;
    return rows.flatMap(({ detail_type, data }): Announcement[] => {
      if (data === null) return [];
      return detail_type === 'task-granted'
        ? [{ kind: 'granted', taskId: data.taskId, epoch: data.epoch }]
        : [{ kind: 'told_to_leave', taskId: data.taskId, newcomerId: data.preemptedBy ?? null }];
    });
  };
}

/** GET /v1/queue for these tenants: their tasks that wait for quota. */
export async function waitingForQuota(
  database: Database,
  tenantIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await database.query<{ task_id: string }>(
    `select task_id from tasks where tenant_id = any ($1) and state = 'queued' and waiting_for = 'quota'`,
    [tenantIds],
  );
  return new Set(rows.map((row) => row.task_id));
}
