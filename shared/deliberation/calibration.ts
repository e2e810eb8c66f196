/**
 * Thresholds of a verdict out of labelled scores (D6). Pure.
 *
 * Both cuts are the same question: a score is kept when all four of its numbers are at or above their floors. The floors of a
 * reject are to lose as few sound texts as allowed and to keep as few bad ones as possible; those of a pass, to keep as few
 * bad ones as allowed and as many sound ones as possible. Four floors together are searched by climbing: each in turn is set
 * to the best of all its cut points given the other three, until no single one can be moved to advantage.
 */

import {
  type Dimension,
  dimensions,
  type ScoreNumbers,
  type VerdictThresholds,
  verdictOf,
} from './verdict.ts';

export type LabelledScore = ScoreNumbers & { readonly isSound: boolean };

export type Targets = {
  /** Largest share of the sound texts that may be rejected. */
  readonly falseReject_max: number;
  /** Largest share of the bad texts that may pass. */
  readonly falsePass_max: number;
};

/** A share with what it was counted from, and between what the true one lies with 95 % confidence. */
export type Rate = {
  readonly count: number;
  readonly of: number;
  readonly share: number;
  readonly low: number;
  readonly high: number;
};

export type Rates = {
  readonly soundRejected: Rate;
  readonly soundNotPassed: Rate;
  readonly badPassed: Rate;
  readonly badNotRejected: Rate;
};

export type Floors = Readonly<Record<Dimension, number>>;

export type Calibration = {
  readonly sound: number;
  readonly bad: number;
  readonly targets: Targets;
  readonly proposed: VerdictThresholds;
  readonly inForce: VerdictThresholds;
  readonly rates: {
    readonly proposed: Rates;
    readonly inForce: Rates;
    /** Of thresholds proposed without the fifth of the texts that they were then tried on: what to expect of other texts. */
    readonly crossChecked: Rates;
  };
  /** How well each number tells sound from bad by itself: the chance that a sound text has the higher one. */
  readonly areas: Floors;
  readonly warnings: readonly string[];
};

/** Floors are written with three decimals: finer than any of them is known. */
const steps_default = 1000;
const folds = 5;
/** Fewer of one kind than this say little about rates of a few percent. */
const lines_min = 100;
/** Of a 95 % interval, on both sides of the middle of a normal distribution. */
const z = 1.959964;

/** Wilson's interval: holds for small counts and for shares of 0 and 1 too. */
export function rateOf(count: number, of: number): Rate {
  if (of === 0) return { count, of, share: 0, low: 0, high: 1 };
  const share = count / of;
  const middle = share + (z * z) / (2 * of);
  const spread = z * Math.sqrt((share * (1 - share)) / of + (z * z) / (4 * of * of));
  const whole = 1 + (z * z) / of;
  return {
    count,
    of,
    share,
    low: Math.max(0, (middle - spread) / whole),
    high: Math.min(1, (middle + spread) / whole),
  };
}

export function ratesOf(scores: readonly LabelledScore[], thresholds: VerdictThresholds): Rates {
  return countedRates(scores.map((score) => [score.isSound, verdictOf(score, 0, thresholds)]));
}

function countedRates(verdicts: readonly (readonly [isSound: boolean, verdict: string])[]): Rates {
  const sound = verdicts.flatMap(([isSound, verdict]) => (isSound ? [verdict] : []));
  const bad = verdicts.flatMap(([isSound, verdict]) => (isSound ? [] : [verdict]));
  const count = (list: readonly string[], holds: (verdict: string) => boolean) =>
    rateOf(list.filter(holds).length, list.length);
  return {
    soundRejected: count(sound, (verdict) => verdict === 'reject'),
    soundNotPassed: count(sound, (verdict) => verdict !== 'pass'),
    badPassed: count(bad, (verdict) => verdict === 'pass'),
    badNotRejected: count(bad, (verdict) => verdict !== 'reject'),
  };
}

/** The chance that a sound text has a higher number than a bad one; ties count half (the area under the ROC curve). */
export function areaOf(scores: readonly LabelledScore[], of: Dimension): number {
  const ordered = scores.toSorted((one, other) => one[of] - other[of]);
  let badBelow = 0;
  let wins = 0;
  for (let start = 0; start < ordered.length; ) {
    let [sound, bad, end] = [0, 0, start];
    while (end < ordered.length && ordered[end]?.[of] === ordered[start]?.[of]) {
      if (ordered[end]?.isSound) sound += 1;
      else bad += 1;
      end += 1;
    }
    wins += sound * (badBelow + bad / 2);
    badBelow += bad;
    start = end;
  }
  const pairs = badBelow * (scores.length - badBelow);
  return pairs === 0 ? 0.5 : wins / pairs;
}

/** Scores and floors are compared in steps: a score is kept by the floors up to its own step. */
type InSteps = readonly { readonly isSound: boolean; readonly at: readonly number[] }[];
type Kept = { readonly sound: number; readonly bad: number };
type Place = { readonly floors: readonly number[]; readonly kept: Kept };
type Search = {
  /** Whether so many kept are allowed at all. */
  readonly isAllowed: (kept: Kept) => boolean;
  /** What is wanted, the first first; higher is better. */
  readonly worth: (kept: Kept) => readonly [number, number];
  /** No floor lies below it. */
  readonly least: readonly number[];
  /** As many as there are cut points above 0. */
  readonly steps: number;
};

const none: Floors = { overall: 0, depth: 0, coherence: 0, relevance: 0 };

/** The floors of a reject: at most so large a share of the sound is lost, and of the bad as many as can be. */
export function rejectFloors(
  scores: readonly LabelledScore[],
  falseReject_max: number,
  steps = steps_default,
): Floors {
  const sound = scores.filter(({ isSound }) => isSound).length;
  const lost_max = Math.floor(falseReject_max * sound + 1e-9);
  return climb(scores, {
    isAllowed: (kept) => sound - kept.sound <= lost_max,
    worth: (kept) => [-kept.bad, kept.sound],
    least: dimensions.map(() => 0),
    steps,
  });
}

/** The floors of a pass, none below `least`: at most so large a share of the bad is kept, and of the sound as many as can be. */
export function passFloors(
  scores: readonly LabelledScore[],
  falsePass_max: number,
  least: Floors = none,
  steps = steps_default,
): Floors {
  const bad = scores.filter(({ isSound }) => !isSound).length;
  const kept_max = Math.floor(falsePass_max * bad + 1e-9);
  return climb(scores, {
    isAllowed: (kept) => kept.bad <= kept_max,
    worth: (kept) => [kept.sound, -kept.bad],
    least: dimensions.map((of) => Math.round(least[of] * steps)),
    steps,
  });
}

/**
 * The best floors that climbing finds from several places; of equals the lowest, as they reject and hold up the least. When
 * nothing is allowed, such as a pass that no bad text may have while one of them scores 1 throughout, the strictest.
 */
function climb(scores: readonly LabelledScore[], search: Search): Floors {
  const { steps } = search;
  const inSteps = scores.map((score) => ({
    isSound: score.isSound,
    at: dimensions.map((of) => stepOf(score[of], steps)),
  }));
  let best: Place | undefined;
  for (const start of startsOf(inSteps, search)) {
    const found = climbFrom(start, inSteps, search);
    if (!search.isAllowed(found.kept)) continue;
    if (best === undefined || isBetter(search, found, best)) best = found;
  }
  const floorAt = (index: number): number => (best?.floors[index] ?? steps) / steps;
  return { overall: floorAt(0), depth: floorAt(1), coherence: floorAt(2), relevance: floorAt(3) };
}

/** The last floor that keeps it: 0.6 lies in step 600 of 1000, whatever 0.6 * 1000 is in binary. */
function stepOf(value: number, steps: number): number {
  const step = Math.min(steps, Math.max(0, Math.floor(value * steps)));
  return step < steps && (step + 1) / steps <= value ? step + 1 : step;
}

function isBetter({ worth }: Search, one: Place, other: Place): boolean {
  const [first, second] = worth(one.kept);
  const [otherFirst, otherSecond] = worth(other.kept);
  if (first !== otherFirst) return first > otherFirst;
  if (second !== otherSecond) return second > otherSecond;
  return sumOf(one.floors) < sumOf(other.floors);
}

const sumOf = (floors: readonly number[]): number => floors.reduce((sum, floor) => sum + floor, 0);

function climbFrom(start: readonly number[], scores: InSteps, search: Search): Place {
  let place: Place = { floors: start, kept: keptBy(scores, start) };
  for (;;) {
    const before = place;
    for (const index of dimensions.keys()) place = bestCut(index, place, scores, search);
    if (place === before) return place;
  }
}

function keptBy(scores: InSteps, floors: readonly number[]): Kept {
  let [sound, bad] = [0, 0];
  for (const { isSound, at } of scores) {
    if (!at.every((step, index) => step >= (floors[index] ?? 0))) continue;
    if (isSound) sound += 1;
    else bad += 1;
  }
  return { sound, bad };
}

/** The place with the best of all cut points of one floor, the others as they are; the same place when none is better. */
function bestCut(index: number, place: Place, scores: InSteps, search: Search): Place {
  const { floors } = place;
  const withFloor = (floor: number) => floors.map((other, at) => (at === index ? floor : other));
  const open = withFloor(0);
  // How many lie in each step: those in step s are kept by the floors 0 to s.
  const sound = new Array<number>(search.steps + 1).fill(0);
  const bad = new Array<number>(search.steps + 1).fill(0);
  for (const { isSound, at } of scores) {
    if (!at.every((step, other) => step >= (open[other] ?? 0))) continue;
    const counts = isSound ? sound : bad;
    const step = at[index] ?? 0;
    counts[step] = (counts[step] ?? 0) + 1;
  }
  let best = place;
  let kept: Kept = { sound: 0, bad: 0 };
  for (let floor = search.steps; floor >= (search.least[index] ?? 0); floor -= 1) {
    kept = { sound: kept.sound + (sound[floor] ?? 0), bad: kept.bad + (bad[floor] ?? 0) };
    if (!search.isAllowed(kept)) continue;
    const found = { floors: withFloor(floor), kept };
    if (!search.isAllowed(best.kept) || isBetter(search, found, best)) best = found;
  }
  return best;
}

/** Nothing cut; each floor alone as far as it may go, for the others to follow; and all of them at like ranks among the sound. */
function startsOf(scores: InSteps, search: Search): (readonly number[])[] {
  const { least, steps } = search;
  const sound = scores.filter(({ isSound }) => isSound);
  const ordered = least.map((_, index) =>
    sound.map(({ at }) => at[index] ?? 0).toSorted((one, other) => one - other),
  );
  const atRank = (rank: number) =>
    ordered.map((values, index) =>
      Math.max(least[index] ?? 0, values[Math.min(Math.floor(rank * values.length), values.length - 1)] ?? 0),
    );
  const bottom: Place = { floors: least, kept: keptBy(scores, least) };
  const alone = [...least.keys()].map((index) => bestCut(index, bottom, scores, search).floors);
  const ranks = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8];
  return [least, ...alone, ...ranks.map(atRank), least.map(() => steps)];
}

/** The floors of a reject and of a pass that meet the targets on these scores, as thresholds. */
export function proposalOf(
  scores: readonly LabelledScore[],
  targets: Targets,
  thinking_tokens_max: number,
  steps = steps_default,
): VerdictThresholds {
  const reject = rejectFloors(scores, targets.falseReject_max, steps);
  const pass = passFloors(scores, targets.falsePass_max, reject, steps);
  return {
    ...{ pass_overall: pass.overall, pass_depth: pass.depth },
    ...{ pass_coherence: pass.coherence, pass_relevance: pass.relevance },
    ...{ reject_overall: reject.overall, reject_depth: reject.depth },
    ...{ reject_coherence: reject.coherence, reject_relevance: reject.relevance },
    thinking_tokens_max,
  };
}

/** @throws Error when there are no sound texts or no bad ones */
export function calibrate(
  scores: readonly LabelledScore[],
  targets: Targets,
  inForce: VerdictThresholds,
): Calibration {
  const sound = scores.filter(({ isSound }) => isSound).length;
  const bad = scores.length - sound;
  if (sound === 0 || bad === 0) {
    throw new Error(`Sound and bad texts are needed, and there are ${sound} sound and ${bad} bad ones.`);
  }
  const propose = (some: readonly LabelledScore[]) => proposalOf(some, targets, inForce.thinking_tokens_max);
  const proposed = propose(scores);
  const rates = {
    proposed: ratesOf(scores, proposed),
    inForce: ratesOf(scores, inForce),
    crossChecked: crossChecked(scores, propose),
  };
  return {
    sound,
    bad,
    targets,
    proposed,
    inForce,
    rates,
    areas: {
      overall: areaOf(scores, 'overall'),
      depth: areaOf(scores, 'depth'),
      coherence: areaOf(scores, 'coherence'),
      relevance: areaOf(scores, 'relevance'),
    },
    warnings: warningsOf(sound, bad, targets, rates.proposed),
  };
}

/** Each fifth tried with the thresholds that the other four give; the texts go to the fifths in turn, sound and bad apart. */
function crossChecked(
  scores: readonly LabelledScore[],
  propose: (some: readonly LabelledScore[]) => VerdictThresholds,
): Rates {
  const foldOf = new Map<LabelledScore, number>();
  for (const isSound of [true, false]) {
    for (const [index, score] of scores.filter((one) => one.isSound === isSound).entries()) {
      foldOf.set(score, index % folds);
    }
  }
  const verdicts = Array.from({ length: folds }, (_, fold) => {
    const thresholds = propose(scores.filter((score) => foldOf.get(score) !== fold));
    return scores
      .filter((score) => foldOf.get(score) === fold)
      .map((score) => [score.isSound, verdictOf(score, 0, thresholds)] as const);
  });
  return countedRates(verdicts.flat());
}

function warningsOf(
  sound: number,
  bad: number,
  { falseReject_max, falsePass_max }: Targets,
  { soundRejected, badPassed }: Rates,
): string[] {
  const warnings: string[] = [];
  // With none seen among n, 3/n may still be true (95 %).
  for (const [kind, count, target] of [
    ['sound', sound, falseReject_max],
    ['bad', bad, falsePass_max],
  ] as const) {
    const needed = Math.max(lines_min, target > 0 ? Math.ceil(3 / target) : 0);
    if (count < needed) {
      warnings.push(
        `Too few ${kind} texts: ${count}, and at least ${needed} are needed for a rate of ${percent(target)}.`,
      );
    }
  }
  for (const [what, rate, target] of [
    ['sound texts that are rejected', soundRejected, falseReject_max],
    ['bad texts that pass', badPassed, falsePass_max],
  ] as const) {
    if (rate.share > target + 1e-12) {
      warnings.push(`The target cannot be met: ${what} are ${percent(rate.share)} at the strictest floors.`);
    } else if (rate.high > 2 * target) {
      warnings.push(
        `The share of ${what} may be as high as ${percent(rate.high)}, above ${percent(target)}.`,
      );
    }
  }
  return warnings;
}

/** `2 %`, `0.35 %`: at most two decimals. */
export function percent(share: number): string {
  return `${Math.round(share * 10_000) / 100} %`;
}
