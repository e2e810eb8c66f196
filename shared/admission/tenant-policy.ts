/** The numbers of the policy that a tenant may have of its own: those that concern it by itself (decisions/0009). Pure. */

import * as z from 'zod';
import { type Policy, type PolicyNumber, schemaOf } from './policy.ts';

/** Their names in the contract, and in the policy. */
const tenantNumbers = {
  violationsMax: 'violations_max',
  violationWindowSeconds: 'violation_window_seconds',
  throttleSeconds: 'throttle_seconds',
  retrySeconds: 'retry_seconds',
  claimSeconds: 'claim_seconds',
  leaseSeconds: 'lease_seconds',
  lapsesMax: 'lapses_max',
  graceSeconds: 'grace_seconds',
  passOverall: 'pass_overall',
  passDepth: 'pass_depth',
  passCoherence: 'pass_coherence',
  passRelevance: 'pass_relevance',
  rejectOverall: 'reject_overall',
  rejectDepth: 'reject_depth',
  rejectCoherence: 'reject_coherence',
  rejectRelevance: 'reject_relevance',
  thinkingTokensMax: 'thinking_tokens_max',
} as const satisfies Readonly<Record<string, PolicyNumber>>;

export type TenantNumber = keyof typeof tenantNumbers;
const names = Object.keys(tenantNumbers) as TenantNumber[];

function forEach<Value>(make: (number: PolicyNumber) => Value): Record<TenantNumber, Value> {
  return Object.fromEntries(names.map((name) => [name, make(tenantNumbers[name])])) as Record<
    TenantNumber,
    Value
  >;
}

/** What is given is set, what is left out stays, null makes it the stage's again. */
export const tenantPolicy = z.strictObject(forEach((number) => schemaOf(number).nullable().optional()));
export type TenantPolicy = z.infer<typeof tenantPolicy>;

/** By the names of the policy, as the store keeps them. */
export type StoredTenantPolicy = { readonly [Name in PolicyNumber]?: number | null | undefined };

export function storedPolicyOf(policy: TenantPolicy): StoredTenantPolicy {
  return Object.fromEntries(names.map((name) => [tenantNumbers[name], policy[name]]));
}

/** What the tenant has of its own; null = the stage's. */
export function ownPolicyOf(stored: StoredTenantPolicy): Record<TenantNumber, number | null> {
  return forEach((number) => stored[number] ?? null);
}

/** The numbers that hold for the tenant. */
export function mergedPolicyOf(stored: StoredTenantPolicy, stage: Policy): Record<TenantNumber, number> {
  return forEach((number) => stored[number] ?? stage[number]);
}

/** In the names of the contract, the reject floor first (D2). */
const floorPairs = [
  ['rejectOverall', 'passOverall'],
  ['rejectDepth', 'passDepth'],
  ['rejectCoherence', 'passCoherence'],
  ['rejectRelevance', 'passRelevance'],
] as const satisfies readonly (readonly [TenantNumber, TenantNumber])[];

/**
 * What is wrong with `given` laid over what the tenant has of its own and over the stage's: a reject floor above its pass
 * floor (D2). Named is what was given, the reject floor where both were.
 */
export function floorProblems(
  given: TenantPolicy,
  own: TenantPolicy,
  stage: Policy,
): { readonly name: TenantNumber; readonly message: string }[] {
  const inForce = (name: TenantNumber): number => {
    const value = given[name] === undefined ? own[name] : given[name];
    return value ?? stage[tenantNumbers[name]];
  };
  return floorPairs.flatMap<{ name: TenantNumber; message: string }>(([reject, pass]) => {
    if (inForce(reject) <= inForce(pass)) return [];
    if (given[reject] !== undefined) {
      return [{ name: reject, message: `must not be above ${pass}, ${inForce(pass)}` }];
    }
    if (given[pass] === undefined) return [];
    return [{ name: pass, message: `must not be below ${reject}, ${inForce(reject)}` }];
  });
}
