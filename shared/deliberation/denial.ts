import { shareHeld } from './meaning.ts';
import type { StepFacts } from './step-facts.ts';

/** Steps that say no to what the text works with; worse when higher. Negation by itself is no fault. */
export type DenialFeatures = {
  /** How much of a denying step another step states without denying it, 0..1, the most of all; from `held_from` on. */
  readonly deniesStated: number;
  /** A plan of what will not be done ("I will not check the page"). */
  readonly deniesPlan: number;
};

const held_from = 0.3;

export function measureDenial(facts: readonly StepFacts[]): DenialFeatures {
  let held = 0;
  for (const fact of facts) {
    if (fact.negated === 0) continue;
    for (const other of facts) {
      if (other === fact || other.negated === 1) continue;
      held = Math.max(
        held,
        shareHeld(fact.passage, (member) => other.passage.terms.has(member)),
      );
    }
  }
  return {
    deniesStated: Math.max(0, held - held_from) / (1 - held_from),
    deniesPlan: facts.some(({ negated, plans }) => negated === 1 && plans === 1) ? 1 : 0,
  };
}
