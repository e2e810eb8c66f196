import type { Reading } from './reading.ts';
import { unit, type Vectors, vectors, weightOfRank, wordCosine } from './vectors.ts';
import { contentStems, isMeta, isNumber, tokens } from './words.ts';

/** A word of a passage that says something: its stem is its key. */
export type Term = { readonly weight: number; readonly rank: number; readonly name: boolean };

/** A passage as weighted words, with the direction of their mean. */
export type Passage = {
  readonly terms: ReadonlyMap<string, Term>;
  /** Sum of the terms' weights. */
  readonly weight: number;
  /** Of length 1, or of zeros when no word is known. */
  readonly direction: Float64Array;
};

export type Meaning = { readonly goal: Passage; readonly steps: readonly Passage[] };

/** Talk about reasoning links any two texts, so it weighs little. */
const meta_weight = 0.3;
const number_weight = 0.6;

/** Reads what the steps and the goal are about. */
export function readMeaning({ steps, goal }: Reading): Meaning {
  const table = vectors();
  return {
    goal: passageOf(tokens(goal.text), table),
    steps: steps.map((step) => passageOf(step.written, table)),
  };
}

function passageOf(written: readonly string[], table: Vectors): Passage {
  const terms = new Map<string, Term>();
  const direction = new Float64Array(table.dimensions);
  let weight = 0;
  written.forEach((word, at) => {
    const lower = word.toLowerCase();
    const [member] = contentStems([lower]);
    if (member === undefined || terms.has(member)) return;
    const number = isNumber(lower);
    const rank = number ? -1 : table.rankOf(lower);
    const says = number ? number_weight : weightOfRank(rank) * (isMeta(lower) ? meta_weight : 1);
    const name = !number && at > 0 && /^\p{Lu}/u.test(word);
    terms.set(member, { weight: says, rank, name });
    weight += says;
    if (rank < 0) return;
    const from = rank * table.dimensions;
    for (let axis = 0; axis < table.dimensions; axis += 1)
      direction[axis] = (direction[axis] ?? 0) + (says * (table.values[from + axis] ?? 0)) / unit;
  });
  const length = Math.hypot(...direction);
  if (length > 0)
    for (let axis = 0; axis < direction.length; axis += 1) direction[axis] = (direction[axis] ?? 0) / length;
  return { terms, weight, direction };
}

/** Cosine of two passages, -1..1; 0 when nothing is known of one. */
export function cosine(left: Passage, right: Passage): number {
  let sum = 0;
  for (let axis = 0; axis < left.direction.length; axis += 1)
    sum += (left.direction[axis] ?? 0) * (right.direction[axis] ?? 0);
  return sum;
}

/** Weighted share of a passage's terms that `held` says are held. */
export function shareHeld(passage: Passage, held: (member: string) => boolean): number {
  let sum = 0;
  for (const [member, { weight }] of passage.terms) if (held(member)) sum += weight;
  return passage.weight === 0 ? 0 : sum / passage.weight;
}

/** How near two words must be before nearness counts at all. */
const near_from = 0.35;

/** Weighted share of the terms of `part` that `whole` holds; a near word counts in part. */
export function softShare(part: Passage, whole: readonly Term[], held: (member: string) => boolean): number {
  const table = vectors();
  let sum = 0;
  for (const [member, { weight, rank }] of part.terms) {
    if (held(member)) sum += weight;
    else if (rank >= 0) {
      let best = 0;
      for (const other of whole) {
        if (other.rank < 0) continue;
        const near = wordCosine(table, rank, other.rank);
        if (near > best) best = near;
      }
      sum += (weight * Math.max(0, best - near_from)) / (1 - near_from);
    }
  }
  return part.weight === 0 ? 0 : sum / part.weight;
}
