/** The policy that the decisions of this process go by: made once, when it starts, of the stage's overrides. */

import { environmentNames } from '../platform/env.ts';
import { type Environment, policyOverrides } from '../platform/process-env.ts';
import { type Policy, policyWith } from './policy.ts';

/** @throws Error naming the variable, the number and what is allowed */
export function policyOf(environment?: Environment): Policy {
  const overrides = policyOverrides(environment);
  try {
    return policyWith(overrides);
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    throw new Error(`Environment variable ${environmentNames.policyOverrides}: ${what}`, { cause: error });
  }
}

let inForce = policyOf();

export function policyInForce(): Policy {
  return inForce;
}

/** Lets the decisions of this process go by another policy, and gives the way back; for one that has it for itself. */
export function putInForce(policy: Policy): () => void {
  const before = inForce;
  inForce = policy;
  return () => {
    inForce = before;
  };
}
