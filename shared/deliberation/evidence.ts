import type { WrongSum } from './arithmetic.ts';
import type { Depth } from './depth.ts';
import type { Move } from './moves.ts';
import type { OrderFeatures } from './order.ts';
import type { Reading, Step } from './reading.ts';
import type { Relevance } from './relevance.ts';

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
  /** Why the score deserves little trust. */
  readonly lowConfidence?: string;
};

const quote_chars_max = 240;
const quotes_max = 8;

export type Measured = {
  readonly reading: Reading;
  readonly relevance: Relevance;
  readonly depth: Depth;
  readonly order: OrderFeatures;
  readonly sums: readonly WrongSum[];
};

/** Gathers what the measures saw. Cue words count only in steps that bring something new, as they do in depth. */
export function evidenceOf({ reading, relevance, depth, order, sums }: Measured): Evidence {
  const { steps, lowConfidence } = reading;
  const saying = (move: Move): Step[] =>
    steps.filter((step) => !step.filler && step.fresh.length > 0 && depth.moves[step.index]?.includes(move));
  const quotes = (found: readonly Step[]) => found.slice(0, quotes_max).map(quote);
  const conclusion = steps.findLast(
    (step) => !step.filler && depth.moves[step.index]?.includes('conclusion'),
  );
  const at = (index: number) => {
    const step = steps[index];
    return step ? quote(step) : '';
  };
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
    intruders: relevance.intruders.slice(0, quotes_max).map(at),
    empty: quotes(steps.filter((step) => step.filler)),
    orderProblems: orderProblems(order),
    wrongSums: sums.slice(0, quotes_max).map(({ written, value }) => ({ written, value })),
    ...(lowConfidence === null ? {} : { lowConfidence }),
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
