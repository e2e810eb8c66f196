import type { Measured } from './features.ts';
import type { Move } from './moves.ts';
import type { OrderFeatures } from './order.ts';
import type { Step } from './reading.ts';
import { isTalk } from './talk.ts';

/** Sentences that speak for a score and against it, the strongest first. */
export type Grounds = { readonly for: readonly string[]; readonly against: readonly string[] };

/** Why a text got its score: quotes and lists that a person can act on. */
export type Evidence = {
  readonly steps: readonly {
    readonly text: string;
    readonly moves: readonly Move[];
    readonly newTerms: number;
  }[];
  readonly alternatives: readonly string[];
  readonly evidence: readonly string[];
  readonly risks: readonly string[];
  readonly checks: readonly string[];
  /** The last step that draws a conclusion, null when none does. */
  readonly conclusion: string | null;
  readonly uncoveredGoalParts: readonly string[];
  readonly repeated: readonly { readonly first: string; readonly second: string }[];
  /** Steps that share next to nothing with the goal and the other steps. */
  readonly intruders: readonly string[];
  /** Steps that only talk about reasoning or copy the goal. */
  readonly empty: readonly string[];
  readonly orderProblems: readonly string[];
  /** Sums whose stated result is wrong, with the value they have. */
  readonly wrongSums: readonly { readonly written: string; readonly value: number }[];
  /** What each score rests on. */
  readonly restsOn: { readonly depth: Grounds; readonly coherence: Grounds; readonly relevance: Grounds };
  /** Why the score deserves little trust. */
  readonly lowConfidence?: string;
};

const quote_chars_max = 240;
const quotes_max = 8;
const grounds_max = 3;
/** Log odds under which a step is shown as one that does not belong: seven in eight such steps were put in. */
const stranger_odds = -2;
/** Log odds under which two neighbours are shown as standing the wrong way round. */
const turned_odds = -1;

/** Gathers what the measures saw. Cue words count only in steps that bring something new, as they do in depth. */
export function evidenceOf(measured: Measured): Evidence {
  const { reading, relevance, depth, order, sums, belonging } = measured;
  const { steps, lowConfidence } = reading;
  const isEmpty = (step: Step): boolean => step.filler || isTalk(step, reading.goal.weights);
  const saying = (move: Move): Step[] =>
    steps.filter(
      (step) => !isEmpty(step) && step.fresh.length > 0 && depth.moves[step.index]?.includes(move),
    );
  const quotes = (found: readonly Step[]) => found.slice(0, quotes_max).map(quote);
  const conclusion = steps.findLast(
    (step) => !isEmpty(step) && depth.moves[step.index]?.includes('conclusion'),
  );
  const at = (index: number) => {
    const step = steps[index];
    return step ? quote(step) : '';
  };
  const strangers = belonging.odds.flatMap((odds, index) => (odds < stranger_odds ? [index] : []));
  const intruders = [...new Set([...relevance.intruders, ...strangers])].sort((left, right) => left - right);
  return {
    steps: steps.map((step) => ({
      text: quote(step),
      moves: depth.moves[step.index] ?? [],
      newTerms: step.fresh.length,
    })),
    alternatives: quotes(saying('alternative')),
    evidence: quotes(saying('evidence')),
    risks: quotes(saying('risk')),
    checks: quotes(saying('check')),
    conclusion: conclusion ? quote(conclusion) : null,
    uncoveredGoalParts: relevance.uncoveredGoalParts,
    repeated: depth.repeated
      .slice(0, quotes_max)
      .map(({ step, sameAs }) => ({ first: at(sameAs), second: at(step) })),
    intruders: intruders.slice(0, quotes_max).map(at),
    empty: quotes(steps.filter(isEmpty)),
    orderProblems: [...orderProblems(order), ...turnedNeighbours(measured)],
    wrongSums: sums.slice(0, quotes_max).map(({ written, value }) => ({ written, value })),
    restsOn: groundsOf(measured, intruders),
    ...(lowConfidence === null ? {} : { lowConfidence }),
  };
}

function turnedNeighbours({ reading, succession }: Measured): string[] {
  return succession.neighbours
    .map((odds, at) => ({ odds, at }))
    .filter(({ odds }) => odds < turned_odds)
    .sort((left, right) => left.odds - right.odds)
    .slice(0, grounds_max)
    .flatMap(({ at }) => {
      const [first, second] = [reading.steps[at], reading.steps[at + 1]];
      return first && second ? [`"${quote(second)}" reads as if it came before "${quote(first)}".`] : [];
    });
}

function groundsOf(
  { reading, depth, facts, conflicts, succession }: Measured,
  intruders: readonly number[],
): Evidence['restsOn'] {
  const { steps } = reading;
  /** The steps with the most of something, as quotes. */
  const best = (worth: (step: Step) => number): string[] =>
    steps
      .map((step) => ({ step, worth: worth(step) }))
      .filter((one) => one.worth > 0)
      .sort((left, right) => right.worth - left.worth)
      .slice(0, grounds_max)
      .map(({ step }) => quote(step));
  const says = (step: Step) => !step.filler && !step.repeats && !isTalk(step, reading.goal.weights);
  const strange = steps.filter(({ index }) => intruders.includes(index)).map(quote);
  return {
    depth: {
      for: best((step) => (says(step) ? step.fresh.length + (depth.moves[step.index]?.length ?? 0) : 0)),
      against: steps
        .filter((step) => !says(step))
        .slice(0, grounds_max)
        .map(quote),
    },
    coherence: {
      for: best((step) => (says(step) ? Math.max(0, succession.neighbours[step.index - 1] ?? 0) : 0)),
      against: [...conflicts.flatMap(({ first, second }) => [first, second]), ...strange].slice(
        0,
        2 * grounds_max,
      ),
    },
    relevance: {
      for: best((step) => (says(step) ? (facts[step.index]?.toGoal ?? 0) : 0)),
      against: strange.slice(0, grounds_max),
    },
  };
}

function orderProblems(order: OrderFeatures): string[] {
  const problems: readonly (readonly [boolean, string])[] = [
    [order.badOpening > 0, 'The first step opens like a continuation of something that is not there.'],
    [order.earlyClosing > 0.5, 'Closing words stand far from the end.'],
    [order.earlyNumbers > 0, 'A number is used before the step that computes it.'],
    [order.ordinalInversions > 0, 'Numbered steps run backwards.'],
    [order.lateIntroductions > 0.4, 'Things are introduced after they were already spoken of.'],
  ];
  return problems.flatMap(([seen, problem]) => (seen ? [problem] : []));
}

const quote = ({ text }: Step): string =>
  text.length <= quote_chars_max ? text : `${text.slice(0, quote_chars_max - 1)}…`;
