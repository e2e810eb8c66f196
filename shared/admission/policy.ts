/**
 * The numbers of the policy, each in one place: what it is, and what a stage may make of it. Rule numbers stand beside
 * them. SQL functions get them as one JSON argument, so that no number lives twice.
 */

import * as z from 'zod';
import { hashOf } from '../platform/hash.ts';

const day_seconds = 86_400;
const year_seconds = 365 * day_seconds;

type NumberRule = { readonly value: number; readonly schema: z.ZodNumber };

const whole = (value: number, min: number, max: number): NumberRule => {
  const error = `must be a whole number from ${min} to ${max}`;
  return {
    value,
    schema: z.number({ error }).int({ error, abort: true }).min(min, { error }).max(max, { error }),
  };
};

const share = (value: number, min: number, max: number): NumberRule => {
  const error = `must be a number from ${min} to ${max}`;
  return { value, schema: z.number({ error }).min(min, { error }).max(max, { error }) };
};

const rules = {
  /** A5: share of a cpu or memory limit that may be borrowed from idle room, unless the quota says otherwise. */
  burst_share: share(0.5, 0, 10),
  /** A6: this many violations within the window start one throttle. */
  violations_max: whole(5, 1, 1000),
  violation_window_seconds: whole(60, 1, day_seconds),
  throttle_seconds: whole(300, 1, day_seconds),
  /** A2: when a request refused for quota is worth repeating, if nothing better is known. */
  retry_seconds: whole(10, 1, day_seconds),
  /** A10: waiting raises the effective class one step each time, for a tenant's oldest few. */
  aging_step_seconds: whole(600, 1, year_seconds),
  aging_tasks_max: whole(5, 0, 1000),
  /** A10: among equal shares the tenant that had less lately goes first: halves in this time, and a start counts at once. */
  recent_half_life_seconds: whole(600, 1, year_seconds),
  entry_charge_seconds: whole(60, 0, day_seconds),
  /** A11: once the head has waited this long, nothing passes it. */
  backfill_wait_seconds: whole(600, 0, year_seconds),
  /** A11: a grant that nobody claims goes back. */
  claim_seconds: whole(60, 1, day_seconds),
  /** A12: the lease of a task that asks for none. */
  lease_seconds: whole(60, 10, day_seconds),
  lapses_max: whole(3, 0, 1000),
  /** P1: no preemption before this much running; P0 ignores it. */
  min_run_seconds: whole(60, 0, day_seconds),
  /** P1: preemptions after which a task is shielded until its next checkpoint. */
  shield_after_preemptions: whole(3, 1, 1000),
  /** P3: how long freed room stays promised after the last victim left. */
  promise_seconds: whole(60, 1, 3600),
  /** P4: time to store a checkpoint and leave. */
  grace_seconds: whole(30, 1, 3600),
  /** A16: tasks of one tenant's line that are looked at for quota. */
  quota_waiters_per_pass_max: whole(8, 1, 1000),
  /** B3: after the last lease, how long a hold still counts when no sweep comes to give it back. */
  hold_grace_seconds: whole(300, 0, day_seconds),
  /** E3: one quota-exceeded event per tenant and resource within this time. */
  quota_event_seconds: whole(10, 0, day_seconds),
  /** D2: a score passes when the overall and all three axes are at or above these. */
  pass_overall: share(0.6, 0, 1),
  pass_depth: share(0.6, 0, 1),
  pass_coherence: share(0.6, 0, 1),
  pass_relevance: share(0.6, 0, 1),
  /** D2: one that does not pass is rejected when the overall or one of the three is below these. */
  reject_overall: share(0.4, 0, 1),
  reject_depth: share(0.2, 0, 1),
  reject_coherence: share(0.2, 0, 1),
  reject_relevance: share(0.2, 0, 1),
  /** D2: after more thinking than this the score is given and not relied on. */
  thinking_tokens_max: whole(2000, 0, 100_000_000),
} as const satisfies Readonly<Record<string, NumberRule>>;

export type PolicyNumber = keyof typeof rules;
export type PolicyOverrides = { readonly [Name in PolicyNumber]?: number | undefined };
/** The numbers, and a version that tells them apart: it is stored with every decision. */
export type Policy = { readonly version: string } & Readonly<Record<PolicyNumber, number>>;

export const policyNumbers = Object.keys(rules) as PolicyNumber[];

/** Raise it when a number or an order changes. */
const version = '2026-11-3';

/** The policy without overrides. Decisions go by `policy-in-force.ts`. */
export const policy: Policy = Object.freeze({
  version,
  ...fromNumbers((name) => rules[name].value),
});

const overridesSchema = z.strictObject(fromNumbers((name) => rules[name].schema.optional()));

/** D2: the floor below which a score is rejected lies nowhere above the one from which on it passes. */
const floors = (['overall', 'depth', 'coherence', 'relevance'] as const).map(
  (of) => [`reject_${of}`, `pass_${of}`] as const,
);

/** Pairs of numbers that contradict each other, the reject floor first; empty when all is well. */
function crossedFloors(
  numbers: Readonly<Record<PolicyNumber, number>>,
): (readonly [reject: PolicyNumber, pass: PolicyNumber])[] {
  return floors.filter(([reject, pass]) => numbers[reject] > numbers[pass]);
}

/** What a number may be; the schema says it in words when it is not. */
export function schemaOf(name: PolicyNumber): z.ZodNumber {
  return rules[name].schema;
}

/**
 * Overrides from outside, such as those of a stage: `{min_run_seconds: 30}`.
 *
 * @throws Error naming every number that does not exist, is out of its range or contradicts another, and what is allowed
 */
export function checkOverrides(overrides: unknown): PolicyOverrides {
  const checked = overridesSchema.safeParse(overrides);
  if (checked.success) {
    const given = Object.entries(checked.data).filter(([, value]) => value !== undefined);
    const crossed = crossedFloors({ ...policy, ...Object.fromEntries(given) });
    if (crossed.length === 0) return checked.data;
    throw new Error(`${crossed.map(([reject, pass]) => `${reject} must not be above ${pass}`).join('; ')}.`);
  }
  const wrong = checked.error.issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((name) => `${name} is not one of ${policyNumbers.join(', ')}`);
    }
    const [name] = issue.path;
    return [name === undefined ? 'must be an object of numbers by name' : `${String(name)} ${issue.message}`];
  });
  throw new Error(`${wrong.join('; ')}.`);
}

/**
 * The policy with some numbers replaced. Its version names the one it comes from and, by a hash, what differs; with nothing
 * that differs it is the policy itself.
 *
 * @throws Error as `checkOverrides`
 */
export function policyWith(overrides: unknown): Policy {
  const checked = checkOverrides(overrides);
  const changes = policyNumbers.flatMap((name) => {
    const value = checked[name];
    return value === undefined || value === policy[name] ? [] : [[name, value] as const];
  });
  if (changes.length === 0) return policy;
  const changed = Object.fromEntries(changes);
  return Object.freeze({ ...policy, ...changed, version: `${version}+${hashOf(changed).slice(0, 12)}` });
}

function fromNumbers<Value>(make: (name: PolicyNumber) => Value): Record<PolicyNumber, Value> {
  return Object.fromEntries(policyNumbers.map((name) => [name, make(name)])) as Record<PolicyNumber, Value>;
}

/** Waiting tasks that one plan looks at, best first; what it leaves over the next plan takes up. */
export const planned_waiting_max = 32;
/**
 * Running tasks read for a plan that wants to preempt, in the order of victims: a few, then many, then all. Reading 16 in place of 64
 * halved the snapshot in which victims are chosen (10,000 running tasks: 11.2 ms to 5.4, medians of 35).
 */
export const read_running_max = [16, 1024, 1_000_000] as const;
