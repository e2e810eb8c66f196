import { type Move, movesOf } from './moves.ts';
import type { Reading } from './reading.ts';
import { splitSentences, steps_max } from './steps.ts';
import { isFunctionWord, isMeta, shareOf, specificStems, tokens } from './words.ts';

/** Measures of depth, each 0..1, with what was seen. */
export type Depth = {
  readonly features: {
    /** Steps that bring new specific content, saturating. */
    readonly newSteps: number;
    /** Kinds of moves seen in steps with new content. */
    readonly diversity: number;
    /** The last step draws a conclusion from what was said. */
    readonly concludes: number;
    /** Content of the question that the end takes up. */
    readonly answers: number;
    /** A step repeats another one nearly word for word. */
    readonly exactRepeat: number;
    /** Steps that say again what an earlier one said. */
    readonly duplicates: number;
    /** Share of content words that talk about reasoning. */
    readonly metaTalk: number;
  };
  readonly moves: readonly (readonly Move[])[];
  readonly repeated: readonly { readonly step: number; readonly sameAs: number }[];
};

const concluding =
  /^\W*(?:so|therefore|thus|hence|finally|consequently|in (?:conclusion|total|summary)|overall|this means)\b|\b(?:answer is|final answer|conclude|recommend)/i;

/** How much the text works out. Cue words count only in steps that also bring specific content of their own. */
export function measureDepth(reading: Reading): Depth {
  const { steps } = reading;
  const moves = steps.map(movesOf);
  const repeated = steps
    .filter((step) => step.repeats)
    .map((step) => ({ step: step.index, sameAs: step.echo.of }));
  const solid = steps.filter((step) => !step.filler && !step.repeats && step.specific.size > 0);
  const fresh = solid.filter((step) => step.fresh.length > 0);
  const kinds = new Set(fresh.flatMap((step) => moves[step.index] ?? []));
  const count = Math.max(1, steps.length);
  const last = steps.at(-1);
  const plain = steps.flatMap((step) => step.words.filter((word) => !isFunctionWord(word)));
  return {
    features: {
      newSteps: Math.log(1 + fresh.length) / Math.log(1 + steps_max),
      diversity: kinds.size / 8,
      concludes: last && !last.filler && concluding.test(last.text.slice(0, 600)) ? 1 : 0,
      answers: answers(reading),
      exactRepeat: steps.some((step) => step.echo.share >= 0.95 && step.words.length >= 4) ? 1 : 0,
      duplicates: repeated.length / count,
      metaTalk: plain.filter(isMeta).length / Math.max(1, plain.length),
    },
    moves,
    repeated,
  };
}

/** Share of the goal's question (its last sentence) that the last step with content holds. */
function answers({ steps, goal }: Reading): number {
  const question = specificStems(
    tokens(splitSentences(goal.text).at(-1)?.text ?? '').map((word) => word.toLowerCase()),
  );
  const last = steps.findLast((step) => !step.filler && step.specific.size > 0);
  return last ? shareOf(new Set(question), last.specific, 0.3) : 0;
}
