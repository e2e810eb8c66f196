/**
 * Every event on the bus: its detail-type, what it means and the schema of its data. Consumers must ignore members
 * they do not know; a breaking change gets a new detail-type. Written in SQL (`emit_event`), read here.
 */

import * as z from 'zod';
import { id, instantOut, taskClass, usdOut } from '../platform/schema.ts';

export const source = 'mothership';
export const eventVersion = '1.0';

const ids = { runId: id, taskId: id };
const score = z.looseObject({
  overall: z.number(),
  depth: z.number(),
  coherence: z.number(),
  relevance: z.number(),
});
const runEnded = z.looseObject({ runId: id, status: z.string(), spentUSD: usdOut });

export const events = {
  'budget-alert': {
    summary:
      "A budget reached a threshold. A tenant's or an organisation's has no runId and names its scope; an organisation's is in the timeline of the tenant whose spending it was.",
    data: z.looseObject({
      runId: id.optional(),
      scope: z.enum(['tenant', 'org']).optional(),
      orgId: id.optional(),
      level: z.enum(['warning', 'throttle', 'pause']),
      threshold: z.number(),
      percentUsed: z.number(),
      limitUSD: usdOut,
      spentUSD: usdOut,
    }),
  },
  'preempt-for-budget': {
    summary: 'A task must leave and go on as class P3, since its run reached the throttle threshold.',
    data: z.looseObject({ ...ids, reason: z.literal('budget_exceeded'), threshold: z.number() }),
  },
  'run-paused-for-budget': {
    summary: 'A run reached the pause threshold; its tasks store a checkpoint and pause.',
    data: z.looseObject({ runId: id, threshold: z.number(), timestamp: instantOut }),
  },
  'quota-exceeded': {
    summary: 'Requests were refused for a quota; `count` of them since the event before.',
    data: z.looseObject({
      tenantId: id,
      resource: z.string(),
      quota: z.number().nullable(),
      usage: z.number().nullable(),
      asked: z.number().nullable(),
      count: z.int().min(1),
    }),
  },
  'quota-violation': {
    summary: 'One distinct request was refused for a quota.',
    data: z.looseObject({ tenantId: id, resource: z.string(), action: z.string(), violationId: z.string() }),
  },
  'tenant-throttled': {
    summary: 'New admissions of a tenant are refused until a time.',
    data: z.looseObject({ tenantId: id, reason: z.string(), throttleUntil: instantOut }),
  },
  'task-preempted': {
    summary: 'A task left its room, with the id of its last checkpoint and the work lost since.',
    data: z.looseObject({
      taskId: id,
      reason: z.string(),
      checkpoint: z.string().nullish(),
      preemptedBy: id.optional(),
      lostWorkUSD: usdOut,
    }),
  },
  'task-resumed': {
    summary: 'A task runs again, from its checkpoint when it has one.',
    data: z.looseObject({ taskId: id, resumedAt: instantOut, checkpointId: z.string().nullish() }),
  },
  'checkpoint-saved': {
    summary: 'A checkpoint was stored.',
    data: z.looseObject({
      taskId: id,
      checkpointId: z.string(),
      sequence: z.int(),
      sizeBytes: z.int().nullable(),
    }),
  },
  'deliberation-scored': {
    summary: 'Reasoning was scored.',
    data: z.looseObject({ taskId: id.nullable(), score, recommendation: z.string() }),
  },
  'run-admitted': { summary: 'A task of a run was admitted.', data: z.looseObject(ids) },
  'run-queued': {
    summary: 'A task of a run waits for the pool or for its quota.',
    data: z.looseObject({ ...ids, waitingFor: z.enum(['pool', 'quota']) }),
  },
  'task-granted': {
    summary: 'A task has room and waits for a runner to claim it.',
    data: z.looseObject({ ...ids, class: taskClass, epoch: z.int(), claimBy: instantOut }),
  },
  'task-started': {
    summary: 'A runner holds the lease of a task.',
    data: z.looseObject({ ...ids, epoch: z.int() }),
  },
  'preempt-requested': {
    summary: 'A running task was told to store a checkpoint and leave by a deadline.',
    data: z.looseObject({
      ...ids,
      reason: z.string(),
      action: z.enum(['checkpoint', 'pause']),
      deadline: instantOut,
      preemptedBy: id.optional(),
    }),
  },
  'lease-expired': {
    summary: 'A runner fell silent and its task left its room.',
    data: z.looseObject({ taskId: id, epoch: z.int(), expiredAt: instantOut, lapses: z.int() }),
  },
  'run-resumed': {
    summary: 'A paused run may go on, with who approved it.',
    data: z.looseObject({ runId: id }),
  },
  'run-completed': { summary: 'A run ended well.', data: runEnded },
  'run-failed': { summary: 'A run failed.', data: runEnded },
  'run-cancelled': { summary: 'A run was cancelled.', data: runEnded },
} as const satisfies Record<string, { readonly summary: string; readonly data: z.ZodType }>;

export type EventName = keyof typeof events;
export type EventData<N extends EventName> = z.infer<(typeof events)[N]['data']>;

export const eventNames = Object.keys(events) as EventName[];

/** The `detail` of an event whose data has this schema. */
export function envelopeOf<Data extends z.ZodType>(data: Data) {
  return z.looseObject({
    /** The same in every delivery of one event; consumers ignore repeats by it. */
    id: z.uuid(),
    version: z.literal(eventVersion),
    occurredAt: instantOut,
    tenantId: id,
    runId: id.nullable(),
    taskId: id.nullable(),
    /** Rises by one per run, or per tenant for events without a run; consumers ignore old ones by it. */
    sequence: z.int().min(1),
    /** The event that led to this one. */
    causeId: z.uuid().nullable(),
    data,
  });
}

/** Any event's `detail`, its data not yet judged. */
export const envelope = envelopeOf(z.record(z.string(), z.unknown()));
export type Envelope = z.infer<typeof envelope>;

/** A message on the queue of a class: ring, then claim in the store; the claim decides, not the message (A14). */
export const doorbell = z.looseObject({
  ...ids,
  tenantId: id,
  class: taskClass,
  epoch: z.int().min(1),
  kind: z.enum(['start', 'resume']),
});
export type Doorbell = z.infer<typeof doorbell>;
