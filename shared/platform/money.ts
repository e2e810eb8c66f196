/**
 * Money: `bigint` of 1e-9 USD inside, JSON numbers of USD outside.
 *
 * Conversion goes through decimal text and integer arithmetic, never through float arithmetic: the text is what the
 * caller wrote (`exact-json.ts`) or the shortest one of a double, which is the same up to 15 digits.
 */

import { type ExactNumber, isExactNumber } from './exact-json.ts';

/** An amount as it came in: a number, or the text of one that no double holds. */
export type Usd = number | ExactNumber;

const decimals = 9;
const nanosPerUsd = 10n ** BigInt(decimals);

/** Largest single amount accepted, either sign; 900 of them fit a 64-bit sum of nano-USD. */
export const amountMax_usd = 10_000_000;
export const amountMax_nanos = BigInt(amountMax_usd) * nanosPerUsd;

export type Rounding =
  /** More than nine decimals is an error. */
  | 'exact'
  /** The tenth decimal decides; a half goes away from zero, so that an amount and its correction cancel out. */
  | 'halfUp';

/** Longer numbers than any double's are refused before they are worked with. */
const digitsMax = 400;

/** mantissa x 10^exponent of a decimal text in JSON's form. @throws RangeError when it has no such form */
export function decimalParts(text: string): { mantissa: bigint; exponent: number } {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (match === null) throw new RangeError(`${text} is not an amount of money; give a finite number of USD.`);
  const [, sign = '', whole = '0', fraction = '', power = '0'] = match;
  const exponent = Number(power) - fraction.length;
  if (text.length > digitsMax || Math.abs(exponent) > digitsMax) {
    throw new RangeError(`The amount has too many digits; give at most ${digitsMax}.`);
  }
  return { mantissa: BigInt(sign + whole + fraction), exponent };
}

/** The decimal text of a number in JSON's form: no exponent, no needless zeros. @throws RangeError as `decimalParts` */
export function plainDecimal(text: string): string {
  const { mantissa, exponent } = decimalParts(text);
  if (mantissa < 0n) return `-${plainDecimal(text.slice(1))}`;
  const digits = String(mantissa);
  if (exponent >= 0) return mantissa === 0n ? '0' : digits + '0'.repeat(exponent);
  const padded = digits.padStart(1 - exponent, '0');
  const fraction = padded.slice(exponent).replace(/0+$/, '');
  const whole = padded.slice(0, exponent).replace(/^0+(?=\d)/, '');
  return fraction === '' ? whole : `${whole}.${fraction}`;
}

function divideHalfUp(dividend: bigint, divisor: bigint): bigint {
  const magnitude = dividend < 0n ? -dividend : dividend;
  const rounded = (2n * magnitude + divisor) / (2n * divisor);
  return dividend < 0n ? -rounded : rounded;
}

/**
 * USD to nano-USD.
 *
 * @param value USD, at most 10,000,000 in magnitude
 * @throws RangeError when the value is not finite, too large or, with `exact`, has more than nine decimals
 */
export function usdToNanos(value: Usd, rounding: Rounding = 'exact'): bigint {
  const text = isExactNumber(value) ? value.rawJSON : String(value);
  if (Math.abs(approximately(value)) > amountMax_usd) throw outsideRange(text);
  const { mantissa, exponent } = decimalParts(text);
  const nanos = scaled(mantissa, exponent + decimals, text, rounding);
  if (nanos > amountMax_nanos || nanos < -amountMax_nanos) throw outsideRange(text);
  return nanos;
}

/** mantissa x 10^shift as a whole number. */
function scaled(mantissa: bigint, shift: number, text: string, rounding: Rounding): bigint {
  if (shift >= 0) return mantissa * 10n ** BigInt(shift);
  const divisor = 10n ** BigInt(-shift);
  if (rounding === 'exact' && mantissa % divisor !== 0n) {
    throw new RangeError(`${text} USD has more than ${decimals} decimals.`);
  }
  return divideHalfUp(mantissa, divisor);
}

function outsideRange(text: string): RangeError {
  return new RangeError(`${text} USD is outside the range of -${amountMax_usd} to ${amountMax_usd} USD.`);
}

/** The nearest double, to tell magnitudes and signs apart; nothing is worked out with it. */
export function approximately(value: Usd): number {
  return isExactNumber(value) ? (JSON.parse(value.rawJSON) as number) : value;
}

/** Whether `usdToNanos(value)` succeeds: finite, within range and at most nine decimals. */
export function isExactUsd(value: Usd): boolean {
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
 * Nano-USD to the JSON number to show. Up to 8,388,608 USD (2^23) its text has exactly the decimals of the amount;
 * beyond, doubles lie further apart than 1e-9, and the nearest one is shown.
 */
export function nanosToUsd(nanos: bigint): number {
  return JSON.parse(nanosToDecimal(nanos)) as number;
}

/** Sum of amounts that are shown, such as those of a stored decision; each with at most nine decimals. */
export function sumUsd(...amounts: readonly number[]): number {
  const nanos = amounts.map((amount) => {
    const text = String(amount);
    const { mantissa, exponent } = decimalParts(text);
    return scaled(mantissa, exponent + decimals, text, 'halfUp');
  });
  return nanosToUsd(sumNanos(nanos));
}

export function sumNanos(amounts: Iterable<bigint>): bigint {
  let sum = 0n;
  for (const amount of amounts) sum += amount;
  return sum;
}
