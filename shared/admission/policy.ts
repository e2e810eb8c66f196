/**
 * The numbers of the policy, each in one place. `product.md`-style rule numbers stand beside them. SQL functions get
 * them as one JSON argument, so that no number lives twice.
 */
export const policy = {
  /** Stored with every decision; raise it when a number or an order changes. */
  version: '2026-11-2',
  /** A5: share of a cpu or memory limit that may be borrowed from idle room, unless the quota says otherwise. */
  burst_share: 0.5,
  /** A6: this many violations within the window start one throttle. */
  violations_max: 5,
  violation_window_seconds: 60,
  throttle_seconds: 300,
  /** A2: when a request refused for quota is worth repeating, if nothing better is known. */
  retry_seconds: 10,
  /** A10: waiting raises the effective class one step each time, for a tenant's oldest few. */
  aging_step_seconds: 600,
  aging_tasks_max: 5,
  /** A10: among equal shares the tenant that had less lately goes first: halves in this time, and a start counts at once. */
  recent_half_life_seconds: 600,
  entry_charge_seconds: 60,
  /** A11: once the head has waited this long, nothing passes it. */
  backfill_wait_seconds: 600,
  /** A11: a grant that nobody claims goes back. */
  claim_seconds: 60,
  /** A12 */
  lease_seconds: 60,
  lapses_max: 3,
  /** P1: no preemption before this much running; P0 ignores it. */
  min_run_seconds: 60,
  /** P1: preemptions after which a task is shielded until its next checkpoint. */
  shield_after_preemptions: 3,
  /** P3: how long freed room stays promised after the last victim left. */
  promise_seconds: 60,
  /** P4: time to store a checkpoint and leave. */
  grace_seconds: 30,
  /** A16: tasks of one tenant's line that are looked at for quota. */
  quota_waiters_per_pass_max: 8,
  /** B3: after the last lease, how long a hold still counts when no sweep comes to give it back. */
  hold_grace_seconds: 300,
  /** E3: one quota-exceeded event per tenant and resource within this time. */
  quota_event_seconds: 10,
} as const;

export type Policy = {
  readonly [K in keyof typeof policy]: (typeof policy)[K] extends string ? string : number;
};

/** Waiting tasks that one plan looks at, best first; what it leaves over the next plan takes up. */
export const planned_waiting_max = 32;
/** Running tasks read for a plan that wants to preempt, in the order of victims: a few, then many, then all. */
export const read_running_max = [64, 1024, 1_000_000] as const;
