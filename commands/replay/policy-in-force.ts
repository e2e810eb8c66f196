/** The policy that the decisions of this process go by. */

import { type Policy, policy } from '../../shared/admission/policy.ts';

/**
 * Puts a policy in force and gives the way back. Every decision, in code and in SQL, takes its numbers from the one
 * object of `shared/admission/policy.ts` when it is made, and a replay has its process for itself.
 */
export function putInForce(rules: Policy): () => void {
  const inForce = policy as { -readonly [Name in keyof Policy]: Policy[Name] };
  const before = { ...policy };
  Object.assign(inForce, rules);
  return () => {
    Object.assign(inForce, before);
  };
}
