/** Building blocks of the request and response schemas in `shared/<feature>/contract.ts`. */

import * as z from 'zod';
import { isExactNumber } from './exact-json.ts';
import { idPattern } from './ids.ts';
import { amountMax_usd, approximately, isExactUsd, type Usd } from './money.ts';

/** Ids and names that callers choose: 1 to 128 of A-Z a-z 0-9 . _ : - */
export const id = z.string().regex(idPattern, 'must be 1 to 128 of the characters A-Z a-z 0-9 . _ : -');

export const taskClass = z.enum(['P0', 'P1', 'P2', 'P3']);
export type TaskClass = z.infer<typeof taskClass>;

/** UTC or with an offset; shown in UTC with milliseconds. */
export const instant = z.iso
  .datetime({
    offset: true,
    error: 'must be an ISO 8601 date and time with a zone',
  })
  .refine(isOfOurTime, 'must be from 1970 to 9999, in UTC');

/** Years that the store and JavaScript write alike, and so few that nobody has to count millions of days. */
function isOfOurTime(text: string): boolean {
  const time = Date.parse(text);
  // What is no instant at all has been refused as such.
  return Number.isNaN(time) || (time >= 0 && time < Date.UTC(10_000));
}

export const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits');

export const epoch = z.int().min(1);

type UsdBounds = { readonly positive?: true; readonly min_usd?: number; readonly rounded?: true };

/** A JSON number of USD within its bounds, to its last digit; see `exact-json.ts`. */
export function usd({ positive, min_usd = 0, rounded }: UsdBounds) {
  const wrong = (value: Usd): string | undefined => {
    const near_usd = approximately(value);
    if (positive === true && near_usd <= 0) return 'must be above 0';
    if (near_usd < min_usd) return `must be at least ${min_usd}`;
    if (near_usd > amountMax_usd) return `must be at most ${amountMax_usd}`;
    return rounded === true || isExactUsd(value) ? undefined : 'must have at most 9 decimals';
  };
  return z
    .unknown()
    .superRefine((value, { addIssue }) => {
      if (typeof value !== 'number' && !isExactNumber(value)) {
        addIssue({ code: 'invalid_type', expected: 'number', input: value, message: 'must be a number' });
        return;
      }
      const message = wrong(value);
      if (message !== undefined) addIssue({ code: 'custom', input: value, message });
    })
    .meta({
      type: 'number',
      ...(positive === true ? { exclusiveMinimum: 0 } : { minimum: min_usd }),
      maximum: amountMax_usd,
    })
    .transform((value) => value as Usd);
}

/** USD above zero, at most 10,000,000, at most nine decimals. */
export const positiveUsd = usd({ positive: true });

/** As `positiveUsd`, zero included: a limit of zero means none. */
export const usdLimit = usd({});

/** vCPU or GB: at most three decimals, as the store keeps them. */
export const amount = z.number().min(0).max(100_000).refine(hasThreeDecimals, 'must have at most 3 decimals');

function hasThreeDecimals(value: number): boolean {
  return Number(value.toFixed(3)) === value;
}

/** A tenant's weight in sharing: 0.001 to 1000, at most three decimals. */
export const weight = z
  .number()
  .min(0.001)
  .max(1000)
  .refine(hasThreeDecimals, 'must have at most 3 decimals');

/** Text whose UTF-8 form has at most `bytes_max` bytes. */
export function text(bytes_max: number) {
  return z
    .string()
    .min(1)
    .refine((value) => Buffer.byteLength(value, 'utf8') <= bytes_max, {
      error: `must be at most ${bytes_max} bytes of UTF-8`,
    })
    .meta({ maxLength: bytes_max });
}

/** Why an operator or a runner did something; kept with the actor. */
export const reason = text(1024);

/** Seconds a lease may last: 10 s to 24 h (A12). */
export const leaseSeconds = z.int().min(10).max(86_400);

/** A page of a list. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.looseObject({ items: z.array(item), nextCursor: z.string().nullable() });
}

/** UTC with milliseconds, as answers and events show it. */
export const instantOut = z.iso.datetime();

/** Amounts shown in USD; numbers with at most nine decimals. */
export const usdOut = z.number();
