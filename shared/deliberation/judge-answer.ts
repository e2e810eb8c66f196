/** Reads what a judge answered: exactly the shape that was asked for, or nothing. Pure. */

import * as z from 'zod';
import type { Axis, JudgeFailure, JudgeUsage, Opinion, Question } from './judge.ts';
import { gradesSchema, toolName } from './judge-question.ts';

/** The parts of a Converse answer that are read. */
export type ConverseAnswer = {
  readonly stopReason?: string | undefined;
  readonly output?:
    | { readonly message?: { readonly content?: readonly unknown[] | undefined } | undefined }
    | undefined;
  readonly usage?: unknown;
};

type Read =
  | { readonly kind: 'opinion'; readonly opinion: Opinion }
  | { readonly kind: 'failed'; readonly why: JudgeFailure; readonly detail: string };

const failureOfStop: Readonly<Record<string, JudgeFailure>> = {
  max_tokens: 'truncated',
  model_context_window_exceeded: 'truncated',
  content_filtered: 'refused',
  guardrail_intervened: 'refused',
};

/** One call of the tool and nothing beside it: a text before or after it means that the model did something else too. */
const oneToolUse = z.tuple([
  z.strictObject({ toolUse: z.looseObject({ name: z.literal(toolName), input: gradesSchema }) }),
]);

export function readAnswer({ stopReason = '', output }: ConverseAnswer, question: Question): Read {
  const why = failureOfStop[stopReason];
  if (why !== undefined) return { kind: 'failed', why, detail: `stopped for ${stopReason}` };
  const content = output?.message?.content ?? [];
  const read = oneToolUse.safeParse(content);
  if (!read.success) {
    // A model that answers in words alone, and not by the tool that it was told to use, declines.
    const declined = stopReason === 'end_turn' && content.length > 0;
    return {
      kind: 'failed',
      why: declined ? 'refused' : 'malformed',
      detail: `stopped for ${stopReason || 'nothing'}: ${z.prettifyError(read.error)}`,
    };
  }
  if (stopReason !== 'tool_use') {
    return { kind: 'failed', why: 'malformed', detail: `stopped for ${stopReason || 'nothing'}` };
  }
  const grades = read.data[0].toolUse.input;
  const axis = (name: Axis) => ({
    score: grades[name].score,
    quote: foundIn(question.quotable, grades[name].quote),
    reason: shown(grades[name].reason, reason_chars_max),
  });
  return {
    kind: 'opinion',
    opinion: { depth: axis('depth'), coherence: axis('coherence'), relevance: axis('relevance') },
  };
}

const reason_chars_max = 400;
const quote_chars_max = 240;

const count = z.int().min(0).max(10_000_000);
const usageSchema = z.looseObject({
  inputTokens: count,
  outputTokens: count,
  cacheReadInputTokens: count.nullish(),
  cacheWriteInputTokens: count.nullish(),
});

/** What an answer has cost; null when it does not say. Converse counts cached tokens beside the others. */
export function readUsage(usage: unknown): JudgeUsage | null {
  const read = usageSchema.safeParse(usage);
  if (!read.success) return null;
  const { inputTokens, outputTokens } = read.data;
  const cachedInputTokens = read.data.cacheReadInputTokens ?? 0;
  const cacheWriteTokens = read.data.cacheWriteInputTokens ?? 0;
  return {
    inputTokens: inputTokens + cachedInputTokens + cacheWriteTokens,
    cachedInputTokens,
    cacheWriteTokens,
    outputTokens,
  };
}

/** A quote that is not in the text is the judge's own invention, and shown to nobody. */
function foundIn(text: string, quote: string): string | null {
  const plain = (some: string) => some.replaceAll(/\s+/g, ' ').trim();
  const wanted = plain(quote);
  return wanted !== '' && plain(text).includes(wanted) ? shown(wanted, quote_chars_max) : null;
}

/** Without what the store does not take (NUL, halves of characters) and a reader does not see. */
function shown(text: string, chars_max: number): string {
  const clean = text
    .toWellFormed()
    .replaceAll(/[\s\p{Cc}\p{Cf}]+/gu, ' ')
    .trim();
  return clean.length <= chars_max ? clean : `${clean.slice(0, chars_max - 1).toWellFormed()}…`;
}
