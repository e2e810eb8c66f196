/** Shapes of the deliberation route. */

import * as z from 'zod';
import { id, text } from '../platform/schema.ts';

export const recommendation = z.enum(['pass', 'review', 'reject', 'fallback']);
export type Recommendation = z.infer<typeof recommendation>;

// POST /v1/runs/{runId}/deliberations

export const reasoningBytesMax = 256 * 1024;
export const reasoningText = text(reasoningBytesMax);
export const goalText = text(16 * 1024);

export const deliberationRequest = z.strictObject({
  taskId: id.optional(),
  phase: id.optional(),
  goal: goalText.optional(),
  text: reasoningText,
  modelUsed: z.string().min(1).max(256).optional(),
  thinkingTokens: z.int().min(0).optional(),
});
export type DeliberationRequest = z.infer<typeof deliberationRequest>;

/** 0..1 */
const share = z.number().min(0).max(1);

export const score = z.looseObject({ overall: share, depth: share, coherence: share, relevance: share });

export const contradiction = z.looseObject({ first: z.string(), second: z.string(), why: z.string() });

export const deliberationAnswer = z.looseObject({
  scoreId: z.string(),
  overall: share,
  depth: share,
  coherence: share,
  relevance: share,
  recommendation,
  thinkingTokens: z.int().nullable(),
  scorerVersion: z.string(),
  evidence: z.record(z.string(), z.unknown()),
  contradictions: z.array(contradiction),
  /** What to do next; empty for a pass. */
  recommendations: z.array(z.string()),
  /** By which the verdict was reached: floors of a pass and of a reject, and the most thinking that is judged (D2). */
  thresholds: z.record(z.string(), z.number()),
});
export type DeliberationAnswer = z.infer<typeof deliberationAnswer>;
