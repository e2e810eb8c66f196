/**
 * JSON in which amounts of money keep every digit that the caller wrote.
 *
 * JSON.parse makes a double of each number: 17 digits at most, and 9007199.254740993 becomes its neighbour. An amount
 * that a double does not hold stays as its text; all others are plain numbers, whose shortest text is what was written.
 */

/** A JSON number as its text. JSON.stringify writes it as that number again; no JSON text can forge one. */
export type ExactNumber = { readonly rawJSON: string };

const rawJson = JSON as typeof JSON & {
  rawJSON(text: string): ExactNumber;
  isRawJSON(value: unknown): value is ExactNumber;
};

export function isExactNumber(value: unknown): value is ExactNumber {
  return rawJson.isRawJSON(value);
}

/** Members that hold money: `costUSD`, `limitUSD` and so on, and the unit prices of a price table. */
const moneyMember = /USD$|^(input|cachedInput|cacheWrite|output|reasoning|request)$/;

/** So many digits every double gives back as they were written. */
const doubleDigits = 15;

/** Without a run of so many digits there is no number that a double could not hold. */
const manyDigits = /[\d.]{16}/;

/** @throws SyntaxError when the text is not JSON */
export function parseExactJson(text: string): unknown {
  return manyDigits.test(text) ? JSON.parse(text, keepMoney) : JSON.parse(text);
}

function keepMoney(name: string, value: unknown, context?: { readonly source?: string }): unknown {
  const source = context?.source;
  if (typeof value !== 'number' || source === undefined || !moneyMember.test(name)) return value;
  if (!Number.isFinite(value) || source === String(value)) return value;
  return significantDigits(source) <= doubleDigits ? value : rawJson.rawJSON(source);
}

function significantDigits(source: string): number {
  const [mantissa = ''] = source.split(/e/i);
  return mantissa.replaceAll(/[-.]/g, '').replace(/^0+/, '').length;
}
