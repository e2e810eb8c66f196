/** Shapes of the budget routes: requests are strict, answers are loose so that members may be added. */

import * as z from 'zod';
import { amountMax_usd, approximately } from '../platform/money.ts';
import {
  epoch,
  id,
  instant,
  instantOut,
  positiveUsd,
  reason,
  usd,
  usdLimit,
  usdOut,
} from '../platform/schema.ts';
import { checkPeriod, periodMembers, runThresholds, thresholds } from './terms.ts';

// Parts that other features show too

export const budgetLevel = z.enum(['ok', 'warning', 'throttle', 'pause']);
export type BudgetLevel = z.infer<typeof budgetLevel>;

export const budgetStatus = z.looseObject({
  limitUSD: usdOut,
  spentUSD: usdOut,
  heldUSD: usdOut,
  percentUsed: z.number(),
  level: budgetLevel,
  firedThresholds: z.array(z.number()),
  version: z.int(),
  /** Spending over the whole life of the run; `spentUSD` is of the period. */
  totalUSD: usdOut,
  /** Null without a period. */
  periodStart: instantOut.nullable(),
  periodEndsAt: instantOut.nullable(),
  /** Who allowed the present limit, when it is not the first one. */
  approved: z.looseObject({ by: z.string(), reason: z.string(), at: instantOut }).nullable(),
});
export type BudgetStatus = z.infer<typeof budgetStatus>;

/** What a runner must do now. `checkpoint`: it will be requeued; `pause`: it will not, until the budget changes. */
export const directive = z.looseObject({
  action: z.enum(['continue', 'checkpoint', 'pause', 'stop']),
  reason: z.string().optional(),
  deadline: instantOut.optional(),
});
export type Directive = z.infer<typeof directive>;

/** What a new run asks for. */
export const runBudget = z
  .strictObject({
    maxCostUSD: positiveUsd,
    maxDurationMs: z.int().min(1000).optional(),
    /** Left out, the limit is for the whole life of the run. */
    ...periodMembers,
    /** Left out, its tenant's. */
    thresholds: runThresholds.optional(),
  })
  .check(checkPeriod);

// PUT /v1/runs/{runId}/budget

export const budgetChange = z
  .strictObject({ maxCostUSD: positiveUsd, reason, ...periodMembers, thresholds: runThresholds.optional() })
  .check(checkPeriod);
export type BudgetChange = z.infer<typeof budgetChange>;

// GET, PUT /v1/orgs/{orgId}/budget

/** An organisation's budget stands above those of its tenants (B6). A limit of null means no bound. */
export const orgBudgetRequest = z
  .strictObject({
    limitUSD: usdLimit.nullable(),
    ...periodMembers,
    thresholds: thresholds.optional(),
    reason,
  })
  .check(checkPeriod);
export type OrgBudgetRequest = z.infer<typeof orgBudgetRequest>;

export const orgBudget = z.looseObject({
  orgId: id,
  limitUSD: usdOut.nullable(),
  spentUSD: usdOut,
  heldUSD: usdOut,
  percentUsed: z.number().nullable(),
  level: budgetLevel,
  firedThresholds: z.array(z.number()),
  version: z.int(),
  period: z.string(),
  periodStart: instantOut.nullable(),
  periodEndsAt: instantOut.nullable(),
  thresholds: z.looseObject({
    warn: z.number(),
    throttle: z.number(),
    pause: z.number(),
    alerts: z.array(z.number()),
  }),
  tenants: z.array(id),
  approved: z.looseObject({ by: z.string(), reason: z.string(), at: instantOut }).nullable(),
});

// POST /v1/runs/{runId}/costs

const tokens = z.int().min(0);

/** Begins the ids of the corrections that re-pricing books. */
export const correctionIds = 'repricing:';

/** Token counts; cached, cache-write and reasoning tokens are part of the input and output counts. */
export const tokenUsage = z
  .strictObject({
    inputTokens: tokens,
    cachedInputTokens: tokens.optional(),
    cacheWriteTokens: tokens.optional(),
    outputTokens: tokens,
    reasoningTokens: tokens.optional(),
  })
  .refine((usage) => cachedTokens(usage) === 0 || cachedTokens(usage) <= usage.inputTokens, {
    error: 'cachedInputTokens and cacheWriteTokens together must not exceed inputTokens',
    path: ['cachedInputTokens'],
  })
  .refine(
    ({ reasoningTokens = 0, outputTokens }) => reasoningTokens === 0 || reasoningTokens <= outputTokens,
    {
      error: 'must not exceed outputTokens',
      path: ['reasoningTokens'],
    },
  );

function cachedTokens(usage: {
  cachedInputTokens?: number | undefined;
  cacheWriteTokens?: number | undefined;
}) {
  return (usage.cachedInputTokens ?? 0) + (usage.cacheWriteTokens ?? 0);
}

export type TokenUsage = z.infer<typeof tokenUsage>;

const costEventFields = {
  eventId: id.refine((eventId) => !eventId.startsWith(correctionIds), {
    error: `ids that begin with "${correctionIds}" are those of re-pricing`,
  }),
  taskId: id.optional(),
  epoch: epoch.optional(),
  occurredAt: instant.optional(),
  costUSD: usd({ min_usd: -amountMax_usd, rounded: true }).optional(),
  provider: z.string().min(1).max(128).optional(),
  model: z.string().min(1).max(256).optional(),
  usage: tokenUsage.optional(),
  kind: id.optional(),
};

/**
 * One cost event, judged on its own so that a bad one does not hold up the others. costUSD may have more than
 * nine decimals (booked rounded half up) and be negative only as a correction.
 */
export const costEvent = z
  .strictObject(costEventFields)
  .refine(
    (event) => event.costUSD !== undefined || (event.model !== undefined && event.usage !== undefined),
    {
      error: 'give costUSD, or model with usage',
      path: ['costUSD'],
    },
  )
  .refine((event) => approximately(event.costUSD ?? 0) >= 0 || event.kind === 'correction', {
    error: 'may be negative only with kind "correction"',
    path: ['costUSD'],
  });
export type CostEvent = z.infer<typeof costEvent>;

const spanUsage = {
  'gen_ai.usage.input_tokens': tokens.optional(),
  'gen_ai.usage.cache_read.input_tokens': tokens.optional(),
  'gen_ai.usage.cache_creation.input_tokens': tokens.optional(),
  'gen_ai.usage.output_tokens': tokens.optional(),
  'gen_ai.usage.reasoning.output_tokens': tokens.optional(),
};

/** Attributes of a model call's span in the names of OpenTelemetry's GenAI conventions; see `otel-usage.ts`. */
const spanAttributes = z.looseObject({
  'gen_ai.provider.name': z.string().optional(),
  'gen_ai.request.model': z.string().optional(),
  'gen_ai.response.model': z.string().optional(),
  ...spanUsage,
});

/** A cost event as callers may write it: also with a span's attributes, or with its counts as usage. */
export const costEventDocumented = z.strictObject({
  ...costEventFields,
  usage: z.union([tokenUsage, z.strictObject(spanUsage)]).optional(),
  attributes: spanAttributes.optional(),
});

/** The whole report: only what must hold for any event to be judged. */
export const costReport = z.strictObject({
  events: z
    .array(z.looseObject({ eventId: z.string() }))
    .min(1)
    .max(500),
});
export type CostReport = z.infer<typeof costReport>;

/** As callers should write it: what the documents show. */
export const costReportDocumented = z.strictObject({ events: z.array(costEventDocumented).min(1).max(500) });

export const rejectedCostEvent = z.looseObject({
  eventId: z.string(),
  code: z.string(),
  message: z.string(),
});

export const costReportAnswer = z.looseObject({
  accepted: z.int(),
  duplicates: z.int(),
  rejected: z.array(rejectedCostEvent),
  budget: budgetStatus,
  directive,
});
export type CostReportAnswer = z.infer<typeof costReportAnswer>;
