/** Shapes of the price routes: the operator's price table, and re-pricing. */

import * as z from 'zod';
import { isExactNumber } from '../platform/exact-json.ts';
import { decimalParts, plainDecimal } from '../platform/money.ts';
import { id, instant, instantOut, reason, usdOut } from '../platform/schema.ts';

const unitPriceMax_usd = 1_000_000;
const unitPriceDecimals = 12;

/** USD as a JSON number or decimal text; comes out as plain decimal text. */
const unitPrice = z
  .unknown()
  .superRefine((value, { addIssue }) => {
    const message = wrongPrice(value);
    if (message === undefined) return;
    if (value === undefined) addIssue({ code: 'invalid_type', expected: 'number', input: value, message });
    else addIssue({ code: 'custom', input: value, message });
  })
  .meta({ type: ['number', 'string'], minimum: 0, maximum: unitPriceMax_usd, pattern: '^\\d+(\\.\\d+)?$' })
  .transform((value) => plainDecimal(priceText(value) ?? ''));

/** In JSON's form, or null when it is neither a number nor the text of one. */
function priceText(value: unknown): string | null {
  if (isExactNumber(value)) return value.rawJSON;
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  return typeof value === 'string' && /^\d{1,30}(\.\d{1,30})?$/.test(value) ? value : null;
}

function wrongPrice(value: unknown): string | undefined {
  const text = priceText(value);
  if (text === null) return 'must be a number of USD, or its decimal text';
  let parts: ReturnType<typeof decimalParts>;
  try {
    parts = decimalParts(plainDecimal(text));
  } catch {
    return 'has too many digits';
  }
  if (parts.mantissa < 0n) return 'must be at least 0';
  if (-parts.exponent > unitPriceDecimals) return `must have at most ${unitPriceDecimals} decimals`;
  const bound = BigInt(unitPriceMax_usd) * 10n ** BigInt(-parts.exponent);
  return parts.mantissa > bound ? `must be at most ${unitPriceMax_usd}` : undefined;
}

const optionalPrices = {
  cachedInput: unitPrice.optional(),
  cacheWrite: unitPrice.optional(),
  reasoning: unitPrice.optional(),
  /** USD per call. */
  request: unitPrice.optional(),
};

/** USD per million tokens by kind; kinds without a price are billed as input or output. */
const unitPrices = z.strictObject({ input: unitPrice, output: unitPrice, ...optionalPrices });

/** One tier applies to the whole call: the highest whose number the call's input tokens exceed. */
const tier = z.strictObject({
  aboveInputTokens: z.int().min(1),
  unitPrices: z.strictObject({
    input: unitPrice.optional(),
    output: unitPrice.optional(),
    ...optionalPrices,
  }),
});

/** What is null is as if left out, so that the answer of a read can be sent back changed. */
export const operatorPrice = z
  .strictObject({
    tenantId: id.nullish(),
    provider: z.string().min(1).max(128).nullish(),
    model: z.string().min(1).max(256),
    from: instant.nullish(),
    to: instant.nullish(),
    unitPrices,
    tiers: z.array(tier).max(10).optional(),
  })
  .superRefine(({ from, to, unitPrices: base, tiers = [] }, { addIssue }) => {
    if (from != null && to != null && Date.parse(from) >= Date.parse(to)) {
      addIssue({ code: 'custom', path: ['to'], message: 'must be later than from', input: to });
    }
    for (const [index, { aboveInputTokens, unitPrices: inTier }] of tiers.entries()) {
      const first = tiers.findIndex((other) => other.aboveInputTokens === aboveInputTokens);
      if (first < index) {
        const path = ['tiers', index, 'aboveInputTokens'];
        addIssue({
          code: 'custom',
          path,
          message: `is that of tiers[${first}] too`,
          input: aboveInputTokens,
        });
      }
      for (const kind of Object.keys(inTier).filter((name) => !(name in base))) {
        const path = ['tiers', index, 'unitPrices', kind];
        addIssue({
          code: 'custom',
          path,
          message: 'has no price below the tier; give one in unitPrices',
          input: kind,
        });
      }
    }
  });
export type OperatorPriceInput = z.output<typeof operatorPrice>;

/** The whole table: what is left out of `prices` is gone with this version. */
export const priceTableChange = z.strictObject({
  prices: z.array(operatorPrice).max(1000).superRefine(refuseOverlaps),
  /** The version that this one was made from: refused when another is in force by now. */
  madeFromVersion: z.int().min(0).optional(),
  reason,
});
export type PriceTableChange = z.output<typeof priceTableChange>;

/** At any instant one entry at most may hold for a tenant, provider and model, or it would be chance which counts. */
function refuseOverlaps(prices: readonly OperatorPriceInput[], { addIssue }: z.RefinementCtx): void {
  const entries = prices.map((price, index) => ({
    index,
    name: JSON.stringify([price.tenantId ?? null, price.provider ?? null, price.model]),
    from: price.from == null ? Number.NEGATIVE_INFINITY : Date.parse(price.from),
    to: price.to == null ? Number.POSITIVE_INFINITY : Date.parse(price.to),
  }));
  for (const sameName of Map.groupBy(entries, ({ name }) => name).values()) {
    sameName.sort((a, b) => a.from - b.from || a.index - b.index);
    let lasting = sameName[0];
    for (const entry of sameName.slice(1)) {
      if (lasting !== undefined && entry.from < lasting.to) {
        const [first, second] = [lasting.index, entry.index].sort((a, b) => a - b);
        addIssue({
          code: 'custom',
          path: [second ?? 0, 'from'],
          message: `holds at the same time as prices[${first}] for the same tenant, provider and model`,
          input: entry.index,
        });
      }
      if (lasting === undefined || entry.to > lasting.to) lasting = entry;
    }
  }
}

const shownPrices = z.record(z.string(), z.string());

export const priceTable = z.looseObject({
  /** 0: no prices have been set yet. */
  version: z.int(),
  prices: z.array(
    z.looseObject({
      tenantId: id.nullable(),
      provider: z.string().nullable(),
      model: z.string(),
      from: instantOut.nullable(),
      to: instantOut.nullable(),
      unitPrices: shownPrices,
      tiers: z.array(z.looseObject({ aboveInputTokens: z.int(), unitPrices: shownPrices })),
    }),
  ),
  reason: z.string().nullable(),
  setBy: z.string().nullable(),
  setAt: instantOut.nullable(),
  /** The price library that prices whatever the table does not, such as `genai-prices 0.1.8`. */
  library: z.string(),
});
export type PriceTableAnswer = z.infer<typeof priceTable>;

export const priceTableQuery = z.strictObject({
  version: z
    .string()
    .regex(/^[1-9]\d{0,8}$/, 'must be the number of a version')
    .transform(Number)
    .optional(),
});

// POST /v1/prices/repricings

export const repricingRequest = z
  .strictObject({
    /** Events that occurred from then on … */
    from: instant,
    /** … and before then. */
    to: instant,
    tenantId: id.optional(),
    model: z.string().min(1).max(256).optional(),
    reason,
    /** Says what would be booked, and books nothing. */
    dryRun: z.boolean().optional(),
    /** `nextCursor` of the answer before, to go on where it stopped. */
    cursor: z.string().min(1).max(2048).optional(),
  })
  .refine(({ from, to }) => Date.parse(from) < Date.parse(to), {
    error: 'must be later than from',
    path: ['to'],
  });
export type RepricingRequest = z.output<typeof repricingRequest>;

export const repricingAnswer = z.looseObject({
  repricingId: z.string().nullable(),
  dryRun: z.boolean(),
  /** The table that the events were priced by. */
  priceTableVersion: z.int(),
  examined: z.int(),
  corrected: z.int(),
  unchanged: z.int(),
  /** Events that have no price any more: left as they are. */
  unpriced: z.array(
    z.looseObject({ tenantId: id, runId: id, eventId: id, code: z.string(), message: z.string() }),
  ),
  differenceUSD: usdOut,
  runs: z.array(z.looseObject({ tenantId: id, runId: id, corrected: z.int(), differenceUSD: usdOut })),
  nextCursor: z.string().nullable(),
});
export type RepricingAnswer = z.infer<typeof repricingAnswer>;
