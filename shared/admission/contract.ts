/**
 * Shapes of the admission routes. Requests are strict: an unknown field is an error (R1). Answers are loose, so
 * that members may be added. Numbers of the policy, such as the default lease, have their ranges in `policy.ts`.
 */

import * as z from 'zod';
import { budgetStatus, directive, runBudget } from '../budget/contract.ts';
import { checkPeriod, periodMembers, thresholds } from '../budget/terms.ts';
import { goalText, recommendation } from '../deliberation/contract.ts';
import { pageQuery } from '../platform/page.ts';
import {
  amount,
  epoch,
  id,
  instantOut,
  leaseSeconds,
  pageOf,
  reason,
  sha256,
  taskClass,
  usdLimit,
  usdOut,
  weight,
} from '../platform/schema.ts';
import { tenantPolicy } from './tenant-policy.ts';

// Parts

export const runStatus = z.enum(['queued', 'running', 'paused', 'completed', 'failed', 'cancelled']);
export type RunStatus = z.infer<typeof runStatus>;

export const taskState = z.enum([
  'queued',
  'granted',
  'running',
  'preempting',
  'paused',
  'completed',
  'failed',
  'cancelled',
]);
export type TaskState = z.infer<typeof taskState>;

const resources = z.strictObject({ cpu: amount, memoryGb: amount });

/** Operators only; what is not given stays as the phase says (A3). */
const priorityOverride = z
  .strictObject({ class: taskClass.optional(), overridable: z.boolean().optional(), reason })
  .refine((override) => override.class !== undefined || override.overridable !== undefined, {
    error: 'give class or overridable',
    path: ['class'],
  });

const labels = z
  .record(z.string().min(1).max(128), z.string().max(1024))
  .refine((pairs) => Object.keys(pairs).length <= 32, 'must have at most 32 labels');

/** An operator names the tenant here, since run and task ids are unique within a tenant only. */
export const tenantQuery = z.strictObject({ tenantId: id.optional() });
export type TenantQuery = z.infer<typeof tenantQuery>;

// POST /v1/runs, POST /v1/runs/{runId}/tasks

const taskFields = {
  taskId: id.optional(),
  tenantId: id.optional(),
  phase: id,
  goal: goalText.optional(),
  resources: resources.optional(),
  priority: priorityOverride.optional(),
  start: z.enum(['now', 'queue']).default('now'),
  onQuota: z.enum(['refuse', 'wait']).default('refuse'),
  leaseSeconds: leaseSeconds.optional(),
  labels: labels.default({}),
  dryRun: z.boolean().default(false),
};

export const runRequest = z.strictObject({ runId: id.optional(), ...taskFields, budget: runBudget });
export type RunRequest = z.infer<typeof runRequest>;

export const taskRequest = z.strictObject(taskFields);
export type TaskRequest = z.infer<typeof taskRequest>;

const lease = z.looseObject({ epoch: z.int(), expiresAt: instantOut });
const priority = z.looseObject({ class: taskClass, reason: z.string(), overridable: z.boolean() });
const roomTaken = z.looseObject({
  cpu: z.number(),
  memoryGb: z.number(),
  burstCpu: z.number(),
  burstMemoryGb: z.number(),
});
const waitingFor = z.enum(['pool', 'quota']);
const queuePosition = z.looseObject({ position: z.int(), aheadInTenant: z.int(), waitingFor });

/** `severity` is info, warning or error; `type` such as quota_exceeded, low_reasoning_quality. */
export const violation = z.looseObject({
  type: z.string(),
  severity: z.enum(['info', 'warning', 'error']),
  message: z.string(),
  at: instantOut,
});
export type Violation = z.infer<typeof violation>;

export const admissionAnswer = z.looseObject({
  runId: id,
  taskId: id,
  tenantId: id,
  phase: z.string(),
  decision: z.enum(['admitted', 'queued']),
  state: taskState,
  priority,
  resources: roomTaken,
  lease: lease.nullable(),
  queue: queuePosition.nullable(),
  budget: budgetStatus,
  violations: z.array(violation),
  recommendations: z.array(z.string()),
  decisionId: z.string(),
  /** Dry runs only: the tasks it would preempt. */
  wouldPreempt: z.array(id).optional(),
});
export type AdmissionAnswer = z.infer<typeof admissionAnswer>;

/** One failing dimension of a refused admission (A2). */
export const refusalReason = z.looseObject({
  code: z.string(),
  resource: z.string().optional(),
  level: z.string().optional(),
  limit: z.number().nullable(),
  burst: z.number().nullable(),
  used: z.number().nullable(),
  held: z.number().nullable(),
  asked: z.number().nullable(),
  retryAt: instantOut.optional(),
  /** Of `quality_gate`: the rejected score, and which of its numbers lie below which floor. */
  score: z
    .looseObject({
      scoreId: z.string(),
      phase: z.string(),
      overall: z.number(),
      depth: z.number(),
      coherence: z.number(),
      relevance: z.number(),
      tooLow: z.array(z.looseObject({ of: z.string(), score: z.number(), floor: z.number() })),
    })
    .optional(),
});
export type RefusalReason = z.infer<typeof refusalReason>;

/** RFC 9457 document of every error. */
export const problem = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  instance: z.string(),
  code: z.string(),
  retryable: z.boolean(),
  errors: z.array(z.looseObject({ path: z.string(), message: z.string() })).optional(),
});

/** The problem of a refused admission; reasons name every failing dimension. */
export const refusal = problem.extend({
  decision: z.literal('refused').optional(),
  reasons: z.array(refusalReason).optional(),
  violations: z.array(violation).optional(),
  recommendations: z.array(z.string()).optional(),
});

// GET /v1/runs, GET /v1/runs/{runId}

export const runListQuery = pageQuery.extend({
  tenantId: id.optional(),
  state: runStatus.optional(),
  phase: id.optional(),
});
export type RunListQuery = z.infer<typeof runListQuery>;

// PUT /v1/runs/{runId}/labels

export const labelsRequest = z.strictObject({ labels });
export type LabelsRequest = z.infer<typeof labelsRequest>;

// Tasks

const checkpointRef = z.looseObject({ checkpointId: z.string(), sequence: z.int() });

export const task = z.looseObject({
  taskId: id,
  runId: id,
  tenantId: id,
  phase: z.string(),
  state: taskState,
  priority,
  resources: roomTaken,
  lease: lease.nullable(),
  queue: queuePosition.nullable(),
  checkpoint: checkpointRef.nullable(),
  preempted: z.boolean(),
  preemptedAt: instantOut.nullable(),
  attempts: z.int(),
});
export type Task = z.infer<typeof task>;

export const runResult = z.looseObject({
  runId: id,
  tenantId: id,
  status: runStatus,
  phase: z.string(),
  labels: z.record(z.string(), z.string()),
  createdAt: instantOut,
  startedAt: instantOut.nullable(),
  costs: z.looseObject({
    totalUSD: usdOut,
    heldUSD: usdOut,
    byModel: z.array(z.looseObject({ model: z.string().nullable(), costUSD: usdOut })),
  }),
  budget: budgetStatus,
  tasks: z.array(task),
  violations: z.array(violation),
  recommendations: z.array(z.string()),
  deliberation: z.looseObject({
    scores: z.array(z.looseObject({})),
    averageOverall: z.number().nullable(),
    lastRecommendation: recommendation.nullable(),
  }),
  metrics: z.looseObject({
    queuedMs: z.int(),
    runningMs: z.int(),
    preemptions: z.int(),
    lostWorkUSD: usdOut,
  }),
});
export type RunResult = z.infer<typeof runResult>;

export const runSummary = z.looseObject({
  runId: id,
  tenantId: id,
  status: runStatus,
  phase: z.string(),
  createdAt: instantOut,
});
export const runList = pageOf(runSummary);

export const claimRequest = z.strictObject({ leaseSeconds: leaseSeconds.optional() });
export type ClaimRequest = z.infer<typeof claimRequest>;

export const claimsRequest = z.strictObject({
  classes: z.array(taskClass).min(1).max(4).optional(),
  max: z.int().min(1).max(100).default(1),
  leaseSeconds: leaseSeconds.optional(),
  tenantId: id.optional(),
});
export type ClaimsRequest = z.infer<typeof claimsRequest>;

export const claimsAnswer = z.looseObject({ tasks: z.array(task), pollAfterMs: z.int() });

export const heartbeatRequest = z.strictObject({ epoch });
export type HeartbeatRequest = z.infer<typeof heartbeatRequest>;

export const heartbeatAnswer = z.looseObject({
  state: taskState,
  lease: lease.nullable(),
  directive,
  budget: budgetStatus,
});
export type HeartbeatAnswer = z.infer<typeof heartbeatAnswer>;

/** Largest checkpoint kept inline, as serialised JSON; a larger one is stored elsewhere and given by location. */
export const checkpointDataMax_bytes = 256 * 1024;

export const checkpointRequest = z
  .strictObject({
    epoch,
    sequence: z.int().min(1),
    data: z
      .unknown()
      .refine((data) => Buffer.byteLength(JSON.stringify(data), 'utf8') <= checkpointDataMax_bytes, {
        error: `must be at most ${checkpointDataMax_bytes} bytes as JSON; store it elsewhere and give location`,
      })
      .optional(),
    location: z.string().min(1).max(2048).optional(),
    sizeBytes: z.int().min(0).optional(),
    sha256: sha256.optional(),
  })
  .refine((checkpoint) => (checkpoint.data === undefined) !== (checkpoint.location === undefined), {
    error: 'give exactly one of data and location',
    path: ['data'],
  });
export type CheckpointRequest = z.infer<typeof checkpointRequest>;

export const checkpointAnswer = z.looseObject({
  checkpointId: z.string(),
  sequence: z.int(),
  state: taskState,
  directive,
});
export type CheckpointAnswer = z.infer<typeof checkpointAnswer>;

export const completeRequest = z.strictObject({
  epoch,
  outcome: z.enum(['completed', 'failed']),
  error: z.string().min(1).max(16_384).optional(),
});
export type CompleteRequest = z.infer<typeof completeRequest>;

export const preemptRequest = z.strictObject({ reason });
export type PreemptRequest = z.infer<typeof preemptRequest>;

// GET /v1/queue

export const queueQuery = pageQuery.extend({ class: taskClass.optional(), tenantId: id.optional() });
export type QueueQuery = z.infer<typeof queueQuery>;

export const queueItem = z.looseObject({
  taskId: id,
  runId: id,
  tenantId: id,
  phase: z.string(),
  class: taskClass,
  position: z.int(),
  aheadInTenant: z.int(),
  waitingFor,
  waitingSince: instantOut,
  startEstimate: z.looseObject({ earliest: instantOut.nullable(), latest: instantOut.nullable() }).nullable(),
});
export type QueueItem = z.infer<typeof queueItem>;
export const queueList = pageOf(queueItem);

// Quotas, usage, violations, pool

const burstShare = z.number().min(0).max(10).optional();
/** What may be borrowed above the limit: a share of it, or an amount. */
const roomQuota = z
  .strictObject({ limit: amount.nullable(), burstShare, burst: amount.optional() })
  .refine(({ burstShare: share, burst }) => share === undefined || burst === undefined, {
    error: 'give burstShare or burst, not both',
    path: ['burst'],
  });
/** A limit of null means no bound, 0 means none; a resource that is left out has no bound. */
export const quotas = z.strictObject({
  cpu: roomQuota.optional(),
  memory: roomQuota.optional(),
  cost: z
    .strictObject({ limitUSD: usdLimit.nullable(), ...periodMembers })
    .check(checkPeriod)
    .optional(),
  concurrentRuns: z.strictObject({ limit: z.int().min(0).max(1_000_000).nullable() }).optional(),
  weight: weight.optional(),
  thresholds: thresholds.optional(),
  qualityGate: z.enum(['off', 'advise', 'enforce']).optional(),
  /** The organisation whose budget stands above the tenant's; null: none. */
  orgId: id.nullable().optional(),
  policy: tenantPolicy.optional(),
});
export type Quotas = z.infer<typeof quotas>;

export const quotasAnswer = z.looseObject({
  tenantId: id,
  /** The tenant's own numbers; null = the stage's. */
  policy: z.record(z.string(), z.number().nullable()),
  /** The numbers that hold for the tenant, its own or the stage's. */
  policyInForce: z.record(z.string(), z.number()),
});

export const usageAnswer = z.looseObject({ tenantId: id, throttledUntil: instantOut.nullable() });

export const violationListQuery = pageQuery;
export const violationList = pageOf(violation);

/**
 * Null means no bound; cpu and memory must be given so that none is lifted by omission. `tasks` is how many tasks may hold
 * room at the same time; left out, there is no such bound.
 */
export const poolRequest = z.strictObject({
  cpu: amount.nullable(),
  memoryGb: amount.nullable(),
  tasks: z.int().min(0).max(10_000_000).nullable().default(null),
});
export type PoolRequest = z.infer<typeof poolRequest>;

export const poolAnswer = z.looseObject({
  cpu: z.number().nullable(),
  memoryGb: z.number().nullable(),
  tasks: z.int().nullable(),
});

// GET /v1/decisions/{decisionId}

export const decisionAnswer = z.looseObject({
  decisionId: z.string(),
  kind: z.string(),
  result: z.string(),
  policyVersion: z.string(),
  inputs: z.record(z.string(), z.unknown()),
  counters: z.record(z.string(), z.unknown()),
});
