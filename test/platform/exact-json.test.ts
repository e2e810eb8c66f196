/** B1: money is exact from the JSON text on; no digit is lost to a double. */

import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import * as z from 'zod';
import { isExactNumber, parseExactJson } from '../../shared/platform/exact-json.ts';
import { canonicalJson } from '../../shared/platform/hash.ts';
import { type Usd, usdToNanos } from '../../shared/platform/money.ts';
import { positiveUsd } from '../../shared/platform/schema.ts';

function costOf(text: string): Usd {
  const { costUSD } = parseExactJson(`{"costUSD":${text}}`) as { costUSD: Usd };
  return costUSD;
}

describe('an amount in a JSON text', () => {
  test.each([
    ['0.1', 100_000_000n],
    ['0.000000001', 1n],
    ['1e-9', 1n],
    ['1E-9', 1n],
    ['0.10000000000000000', 100_000_000n],
    ['9007199.254740993', 9_007_199_254_740_993n],
    ['9007199.254740992', 9_007_199_254_740_992n],
    ['8388608.000000001', 8_388_608_000_000_001n],
    ['-9999999.999999999', -9_999_999_999_999_999n],
    ['9999999.9999999990e0', 9_999_999_999_999_999n],
  ])('%s is exact', (text, nanos) => {
    expect(usdToNanos(costOf(text))).toBe(nanos);
  });

  test.each([
    // As a double it is 5e-10 and would round up.
    ['0.00000000049999999999999999999', 0n],
    ['0.0000000005', 1n],
    ['1.00000000050000000000000000000', 1_000_000_001n],
    ['0.013317500000000001', 13_317_500n],
    ['1e-400', 0n],
  ])('%s is rounded by its own digits', (text, nanos) => {
    expect(usdToNanos(costOf(text), 'halfUp')).toBe(nanos);
  });

  test.each([
    ['1.00000000000000000001', /more than 9 decimals/],
    ['10000000.000000001', /outside the range/],
    ['99999999999999999999', /outside the range/],
    [`0.${'1'.repeat(500)}`, /too many digits/],
    ['0.1234567890123456e-500', /too many digits/],
  ])('%s is refused', (text, message) => {
    expect(() => usdToNanos(costOf(text))).toThrow(message);
  });

  test('every text of up to nine decimals gives its own number of nano-USD', async () => {
    const text = fc.tuple(
      fc.integer({ min: 0, max: 9_999_999 }),
      fc.stringMatching(/^\d{0,9}$/),
      fc.constantFrom('', '-'),
    );
    await fc.assert(
      fc.property(text, ([whole, fraction, sign]) => {
        const written = `${sign}${whole}${fraction === '' ? '' : `.${fraction}`}`;
        expect(usdToNanos(costOf(written))).toBe(BigInt(`${sign}${whole}${fraction.padEnd(9, '0')}`));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('everything else is read as ever', () => {
  const long = '0.12345678901234567890';

  test('only money keeps its text', () => {
    const read = parseExactJson(`{"cpu":${long},"limitUSD":${long},"list":[${long}],"eventId":"${long}"}`);
    expect(read).toEqual({
      cpu: 0.12345678901234568,
      limitUSD: expect.anything(),
      list: [0.12345678901234568],
      eventId: long,
    });
    expect(isExactNumber((read as { limitUSD: unknown }).limitUSD)).toBe(true);
  });

  test('it is written and hashed as the number that it is', () => {
    const read = parseExactJson(`{"costUSD":${long}}`);
    expect(JSON.stringify(read)).toBe(`{"costUSD":${long}}`);
    expect(canonicalJson(read)).toBe(`{"costUSD":${long}}`);
  });

  test('a caller cannot pass an object off as a number', () => {
    const schema = z.strictObject({ maxCostUSD: positiveUsd });
    expect(schema.safeParse(parseExactJson('{"maxCostUSD":{"rawJSON":"1"}}')).success).toBe(false);
    expect(schema.safeParse(parseExactJson('{"maxCostUSD":9007199.254740993}')).success).toBe(true);
  });

  test('what is no JSON is refused', () => {
    expect(() => parseExactJson(`{"costUSD":${long}`)).toThrow(SyntaxError);
  });
});
