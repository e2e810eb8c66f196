/** Rows as SQL's `to_jsonb` gives them: snake_case, times as ISO text, numbers as JSON numbers. */

import type { BudgetSnapshot } from '../budget/status.ts';
import type { ClosedGate } from '../deliberation/gate.ts';
import type { RunStatus, TaskState } from './contract.ts';
import type { Pace } from './estimate.ts';

export type TaskRow = {
  readonly tenant_id: string;
  readonly task_id: string;
  readonly run_id: string;
  readonly phase: string;
  readonly state: TaskState;
  readonly class: number;
  readonly queue_class: number;
  readonly overridable: boolean;
  readonly priority_reason: string;
  readonly cpu: number;
  readonly memory_gb: number;
  readonly burst_cpu: number;
  readonly burst_memory_gb: number;
  readonly accepted_at: string;
  readonly waiting_for: 'pool' | 'quota' | null;
  readonly waiting_since: string | null;
  readonly epoch: number;
  readonly room_until: string | null;
  readonly lease_expires_at: string | null;
  readonly first_started_at: string | null;
  readonly preempt_action: 'checkpoint' | 'pause' | null;
  readonly preempt_reason: string | null;
  readonly preempt_deadline: string | null;
  readonly preempted_by: string | null;
  readonly preempted: boolean;
  readonly preempted_at: string | null;
  readonly preemptions: number;
  readonly lapses: number;
  readonly checkpoint_id: string | null;
  readonly checkpoint_sequence: number;
  readonly spent_usd_nanos: number;
  readonly lost_work_usd_nanos: number;
  readonly ended_at: string | null;
  readonly fail_code: string | null;
  readonly error: string | null;
};

export type CheckpointRow = {
  readonly checkpoint_id: string;
  readonly epoch: number;
  readonly sequence: number;
  readonly data: unknown;
  readonly location: string | null;
  readonly size_bytes: number;
  readonly sha256: string | null;
  readonly created_at: string;
};

/** The parts of a run that decide a directive. */
export type RunTerms = {
  readonly status: RunStatus;
  readonly startedAt: string | null;
  readonly maxDurationMs: number | null;
  readonly budgetPaused: boolean;
};

/** What every SQL function on one task returns (`task_answer`). */
export type TaskAnswer<Kind extends string> =
  | { readonly kind: 'not_found' }
  | {
      readonly kind: Exclude<Kind, 'not_found'>;
      readonly task: TaskRow;
      readonly run: RunTerms;
      readonly budget: BudgetSnapshot;
      readonly checkpoint: CheckpointRow | null;
    };

export type QueuePlace = {
  readonly position: number;
  readonly aheadInTenant: number;
  readonly waitingFor: 'pool' | 'quota';
  /** What its start was expected from; null for a task that waited before this was kept. */
  readonly pace?: Pace | null;
};

/** One failing dimension as `judge_admission` names it. */
export type ReasonRow = {
  readonly code: 'throttled' | 'never_fits' | 'quality_gate' | 'quota_exceeded' | 'budget_exhausted';
  readonly resource?: string;
  readonly level: 'tenant' | 'org' | 'run' | 'pool';
  readonly limit?: number;
  readonly burst?: number;
  readonly used?: number;
  readonly held?: number;
  readonly asked?: number;
  readonly retryAt?: string | null;
  /** Of the quality gate: the rejected score that closed it; decisions stored before that was kept have none. */
  readonly score?: ClosedGate;
};

/** What an admission is answered from, and what is stored for repeats of it (A7). */
export type AdmissionOutcome = {
  readonly decision: 'admitted' | 'queued' | 'refused';
  readonly decisionId: string | null;
  readonly tenantId: string;
  readonly runId: string;
  readonly taskId: string;
  readonly phase: string;
  readonly state: TaskState | null;
  readonly class: number;
  readonly overridable: boolean;
  readonly priorityReason: string;
  readonly cpu: number;
  readonly memoryGb: number;
  readonly burstCpu: number;
  readonly burstMemoryGb: number;
  readonly epoch: number;
  /** None of its run's tasks held quota before it. */
  readonly startsRun: boolean;
  readonly leaseExpiresAt: string | null;
  readonly reasons: readonly ReasonRow[];
  /** The rejected score that the caller is to hear of, though it blocks nothing (D5). */
  readonly advice?: ClosedGate;
  readonly queue: QueuePlace | null;
  readonly budget: BudgetSnapshot | null;
  /** The tenant's bound of concurrent runs, null = none, and how many it holds after this answer. */
  readonly runsLimit: number | null;
  readonly runsHeld: number;
  readonly at: string;
};
