import type { Reading } from './reading.ts';
import type { StepFacts } from './step-facts.ts';
import type { PairMeans } from './succession.ts';

/** How much there is, and of what sort. */
export type ExtentFeatures = {
  /** Logarithms of words, and of what different words say; more is deeper. */
  readonly words: number;
  readonly content: number;
  /** Context without a sign of its own: it only says what is much or little of the others for such a text. */
  readonly steps: number;
  readonly stepWords: number;
  readonly computes: number;
  readonly goalSize: number;
  readonly near: number;
  readonly held: number;
  readonly lastHeld: number;
  readonly lastAsks: number;
};

export function measureExtent(
  { steps, goal }: Reading,
  facts: readonly StepFacts[],
  { near, held }: PairMeans,
): ExtentFeatures {
  const count = Math.max(1, steps.length);
  const words = steps.reduce((sum, step) => sum + step.words.length, 0);
  const content = new Map<string, number>();
  for (const { passage } of facts)
    for (const [member, { weight }] of passage.terms) if (!content.has(member)) content.set(member, weight);
  let says = 0;
  for (const weight of content.values()) says += weight;
  const last = facts.at(-1);
  return {
    words: Math.log(1 + words),
    content: Math.log(1 + says),
    steps: Math.log(1 + steps.length),
    stepWords: words / count,
    computes: facts.filter(({ results }) => results.size > 0).length / count,
    goalSize: Math.log(1 + goal.weights.size),
    near,
    held,
    lastHeld: last?.toRest ?? 0,
    lastAsks: last?.asks ?? 0,
  };
}
