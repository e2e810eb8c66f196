import { antonyms, rivals } from './lexicon.ts';
import { pairKey, parentsOf, relations, sensesOf } from './relations.ts';
import { vectors, wordCosine } from './vectors.ts';
import { stem } from './words.ts';

/** How two words relate, each 0..1; several may hold at once, since words have several meanings. */
export type Kinship = {
  /** They share a meaning. */
  readonly same: number;
  /** They exclude each other: "hot", "cold". */
  readonly opposite: number;
  /** The first is broader: "instrument", "violin". */
  readonly broader: number;
  /** The first is narrower: "violin", "instrument". */
  readonly narrower: number;
  /** They are kinds of one thing: "violin", "trumpet". */
  readonly sibling: number;
  /** They stand in one of the lists of rivals: "red", "blue". */
  readonly rival: number;
  /** Cosine of their vectors; 0 when the table lacks one. */
  readonly likeness: number;
};

export const strangers: Kinship = {
  same: 0,
  opposite: 0,
  broader: 0,
  narrower: 0,
  sibling: 0,
  rival: 0,
  likeness: 0,
};

/** Steps upwards in WordNet that still count; above lie "object" and "act". */
const ancestors_depth_max = 4;
/** Meanings per word that count, of each part of speech in the order of their frequency. */
const meanings_max = 3;

/** A word's number in the table of relations, its rank in the table of vectors, or -1. */
export const rankOf = (word: string): number => vectors().rankOf(word);

/** Number of the compound of two neighbours, or -1. */
export const compoundOf = (first: number, second: number): number =>
  first < 0 || second < 0 ? -1 : (relations().compounds.get(pairKey(first, second)) ?? -1);

/** A word as text and as its number in the tables. */
export type Term = { readonly form: string; readonly rank: number };

/** Words less alike than this have no meaning in common that is worth the search. */
const likeness_min = 0.1;

const known = new Map<number, Kinship>();
const known_max = 50_000;

/** Kinship of two words in lower case; symmetric but for what is broader. */
export function kinshipOf(first: Term, second: Term): Kinship {
  if (first.rank < 0 || second.rank < 0) return findKinship(first, second);
  // A rank stands for one word; texts set the same words against each other again and again.
  const key = first.rank * 2 ** 20 + second.rank;
  const found = known.get(key) ?? findKinship(first, second);
  if (known.size >= known_max) known.clear();
  known.set(key, found);
  return found;
}

function findKinship(first: Term, second: Term): Kinship {
  const opposite = areAntonyms(first.form, second.form);
  const rival = rivals.has(first.form) && rivals.get(first.form) === rivals.get(second.form);
  const likeness = likenessOf(first.rank, second.rank);
  const searched = first.rank >= 0 && second.rank >= 0 && (likeness >= likeness_min || likeness === 0);
  const meant = searched ? kinshipOfMeanings(first.rank, second.rank) : strangers;
  const alike = sharesRoot(first.form, second.form) ? 0.8 : 0;
  const both = opposite || rival ? 0 : sharedOpposite(first.form, second.form) ? 0.5 : 0;
  return {
    ...meant,
    same: Math.max(meant.same, alike, both),
    opposite: opposite ? 1 : rival ? 0 : 0.8 * meant.opposite,
    rival: rival ? 1 : 0,
    likeness,
  };
}

/** "sad" and "unhappy": both are the opposite of "happy". */
function sharedOpposite(first: string, second: string): boolean {
  const others = antonyms.get(second);
  return others !== undefined && [...(antonyms.get(first) ?? [])].some((word) => others.has(word));
}

/** Listed as opposites, as written or by their stems: "contains" and "lacks" are, too. */
export function areAntonyms(first: string, second: string): boolean {
  const [left, right] = [stem(first), stem(second)];
  const listed = (one: string, other: string) => antonyms.get(one)?.has(other) === true;
  return listed(first, second) || listed(left, right) || listed(first, right) || listed(left, second);
}

/** Cosine of two words by rank, 0 when a vector is missing. */
export function likenessOf(first: number, second: number): number {
  const table = vectors();
  const count = table.values.length / table.dimensions;
  // Compounds have meanings and no vector.
  return first < 0 || second < 0 || first >= count || second >= count ? 0 : wordCosine(table, first, second);
}

/** "arrive" and "arrival": more than two thirds of the longer word from its start, five letters at least. */
function sharesRoot(first: string, second: string): boolean {
  const [left, right] = [stem(first), stem(second)];
  if (left === right) return true;
  const longer = Math.max(left.length, right.length);
  let common = 0;
  while (common < longer && left[common] === right[common]) common += 1;
  return common >= 5 && common / longer >= 0.66;
}

type Reach = {
  /** Meanings of the word with how much each is meant, 0..1. */
  readonly own: ReadonlyMap<number, number>;
  /** Broader meanings with the least number of steps to them, and how much the meaning below is meant. */
  readonly above: ReadonlyMap<number, { readonly steps: number; readonly meant: number }>;
  /** Heads of the clusters of similar adjectives. */
  readonly heads: ReadonlyMap<number, number>;
};

const reaches = new Map<number, Reach>();
const reaches_max = 4000;

function reachOf(rank: number): Reach {
  const known = reaches.get(rank);
  if (known) return known;
  const table = relations();
  const own = new Map<number, number>();
  const above = new Map<number, { steps: number; meant: number }>();
  const heads = new Map<number, number>();
  sensesOf(table, rank).forEach((meaning, at) => {
    const meant = 1 / (1 + at * 0.35);
    if (!own.has(meaning)) own.set(meaning, meant);
    if (meaning >= table.first_adjective) {
      for (const head of parentsOf(table, meaning)) if (!heads.has(head)) heads.set(head, meant);
      return;
    }
    if (at >= meanings_max) return;
    let level = [meaning];
    for (let steps = 1; steps <= ancestors_depth_max && level.length > 0; steps += 1) {
      level = level.flatMap((one) => [...parentsOf(table, one)]);
      for (const one of level) if (!above.has(one)) above.set(one, { steps, meant });
    }
  });
  const reach = { own, above, heads };
  if (reaches.size >= reaches_max) reaches.clear();
  reaches.set(rank, reach);
  return reach;
}

function kinshipOfMeanings(first: number, second: number): Kinship {
  const { opposites } = relations();
  const left = reachOf(first);
  const right = reachOf(second);
  let same = 0;
  let opposite = 0;
  for (const [meaning, meant] of left.own) {
    same = Math.max(same, meant * (right.own.get(meaning) ?? 0));
    same = Math.max(same, 0.7 * meant * (right.heads.get(meaning) ?? 0));
    for (const [other, otherMeant] of right.own) {
      if (opposites.has(pairKey(meaning, other))) opposite = Math.max(opposite, meant * otherMeant);
    }
    for (const [other, otherMeant] of right.heads) {
      if (opposites.has(pairKey(meaning, other))) opposite = Math.max(opposite, 0.7 * meant * otherMeant);
    }
  }
  for (const [head, meant] of left.heads) {
    same = Math.max(same, 0.7 * meant * (right.own.get(head) ?? 0));
    same = Math.max(same, 0.4 * meant * (right.heads.get(head) ?? 0));
    for (const [other, otherMeant] of right.own) {
      if (opposites.has(pairKey(head, other))) opposite = Math.max(opposite, 0.7 * meant * otherMeant);
    }
  }
  let sibling = 0;
  for (const [ancestor, { steps, meant }] of left.above) {
    const other = right.above.get(ancestor);
    if (other === undefined || steps + other.steps > ancestors_depth_max) continue;
    sibling = Math.max(sibling, (2 * meant * other.meant) / (steps + other.steps));
  }
  return {
    ...strangers,
    same,
    opposite,
    broader: aboveShare(right, left),
    narrower: aboveShare(left, right),
    sibling,
  };
}

/** How surely a meaning of `broad` lies above one of `narrow`. */
function aboveShare(narrow: Reach, broad: Reach): number {
  let best = 0;
  for (const [meaning, meant] of broad.own) {
    const found = narrow.above.get(meaning);
    if (found) best = Math.max(best, (meant * found.meant) / (1 + 0.15 * (found.steps - 1)));
  }
  return best;
}
