/**
 * Money: `bigint` of 1e-9 USD inside, JSON numbers of USD outside.
 *
 * A JSON number arrives as a binary double. Its shortest decimal text is what the caller wrote (up to 15 digits),
 * so conversion goes through that text and integer arithmetic, never through float arithmetic.
 */

const decimals = 9;
const nanosPerUsd = 10n ** BigInt(decimals);

/** Largest single amount accepted, either sign; below it a double still holds nine decimals exactly. */
export const amountMax_usd = 1_000_000;

export type Rounding =
  /** More than nine decimals is an error. */
  | 'exact'
  /** The tenth decimal decides; a half goes away from zero, so that an amount and its correction cancel out. */
  | 'halfUp';

/** mantissa x 10^exponent of the shortest decimal text of a double. */
function decimalParts(value: number): { mantissa: bigint; exponent: number } {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value));
  if (match === null)
    throw new RangeError(`${value} is not an amount of money; give a finite number of USD.`);
  const [, sign = '', whole = '0', fraction = '', exponent = '0'] = match;
  return { mantissa: BigInt(sign + whole + fraction), exponent: Number(exponent) - fraction.length };
}

function divideHalfUp(dividend: bigint, divisor: bigint): bigint {
  const magnitude = dividend < 0n ? -dividend : dividend;
  const rounded = (2n * magnitude + divisor) / (2n * divisor);
  return dividend < 0n ? -rounded : rounded;
}

/**
 * USD to nano-USD.
 *
 * @param value USD, at most 1,000,000 in magnitude
 * @throws RangeError when the value is not finite, too large or, with `exact`, has more than nine decimals
 */
export function usdToNanos(value: number, rounding: Rounding = 'exact'): bigint {
  if (Math.abs(value) > amountMax_usd) {
    throw new RangeError(`${value} USD is outside the range of -${amountMax_usd} to ${amountMax_usd} USD.`);
  }
  const { mantissa, exponent } = decimalParts(value);
  const shift = exponent + decimals;
  if (shift >= 0) return mantissa * 10n ** BigInt(shift);
  const divisor = 10n ** BigInt(-shift);
  if (rounding === 'exact' && mantissa % divisor !== 0n) {
    throw new RangeError(`${value} USD has more than ${decimals} decimals.`);
  }
  return divideHalfUp(mantissa, divisor);
}

/** Whether `usdToNanos(value)` succeeds: finite, within range and at most nine decimals. */
export function isExactUsd(value: number): boolean {
  try {
    usdToNanos(value);
    return true;
  } catch {
    return false;
  }
}

/** The exact decimal text, such as `-0.000000001`; no trailing zeros. */
export function nanosToDecimal(nanos: bigint): string {
  const magnitude = nanos < 0n ? -nanos : nanos;
  const fraction = (magnitude % nanosPerUsd).toString().padStart(decimals, '0').replace(/0+$/, '');
  const text = fraction === '' ? `${magnitude / nanosPerUsd}` : `${magnitude / nanosPerUsd}.${fraction}`;
  return nanos < 0n ? `-${text}` : text;
}

/**
 * Nano-USD to the JSON number to show. Up to 1,000,000 USD its text has exactly the decimals of the amount;
 * sums beyond that are the nearest double.
 */
export function nanosToUsd(nanos: bigint): number {
  return Number(nanosToDecimal(nanos));
}

export function sumNanos(amounts: Iterable<bigint>): bigint {
  let sum = 0n;
  for (const amount of amounts) sum += amount;
  return sum;
}
