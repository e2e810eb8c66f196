import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { isExactUsd, nanosToDecimal, nanosToUsd, sumNanos, usdToNanos } from '../../shared/platform/money.ts';

const million = 1_000_000n * 1_000_000_000n;
/** 2^23 USD: up to here doubles lie closer together than 1e-9. */
const shownExactly = 8_388_608n * 1_000_000_000n;

describe('USD to nano-USD', () => {
  test.each([
    ['zero', 0, 0n],
    ['minus zero', -0, 0n],
    ['a tenth, which no double holds', 0.1, 100_000_000n],
    ['three tenths', 0.3, 300_000_000n],
    ['the smallest amount', 1e-9, 1n],
    ['an amount that prints with an exponent', 1.2e-7, 120n],
    ['a negative amount', -1.5, -1_500_000_000n],
    ['nine decimals near the limit', 999_999.999999999, 999_999_999_999_999n],
    ['the limit', 10_000_000, 10n * million],
    ['the negative limit', -10_000_000, -10n * million],
  ])('%s', (_name, usd, nanos) => {
    expect(usdToNanos(usd)).toBe(nanos);
  });

  test.each([
    ['ten decimals', 1.0000000001, /more than 9 decimals/],
    ['below the smallest amount', 5e-10, /more than 9 decimals/],
    ['the smallest double', 5e-324, /more than 9 decimals/],
    ['above the limit', 10_000_000.000001, /outside the range/],
    ['below the limit', -10_000_001, /outside the range/],
    ['infinity', Number.POSITIVE_INFINITY, /outside the range/],
    ['not a number', Number.NaN, /not an amount of money/],
  ])('%s is refused by name', (_name, usd, message) => {
    expect(() => usdToNanos(usd)).toThrow(message);
    expect(isExactUsd(usd)).toBe(false);
  });

  test.each([
    ['a half goes up', 5e-10, 1n],
    ['less than a half goes down', 4.9999e-10, 0n],
    ['a negative half goes away from zero', -5e-10, -1n],
    ['the tenth decimal decides', 1.2345678915, 1_234_567_892n],
    ['the smallest double is nothing', 5e-324, 0n],
  ])('rounded half up: %s', (_name, usd, nanos) => {
    expect(usdToNanos(usd, 'halfUp')).toBe(nanos);
  });
});

describe('nano-USD to USD', () => {
  test.each([
    [0n, '0'],
    [1n, '0.000000001'],
    [-1n, '-0.000000001'],
    [1_500_000_000n, '1.5'],
    [-100_000_000n, '-0.1'],
    [million, '1000000'],
  ])('%s is %s', (nanos, text) => {
    expect(nanosToDecimal(nanos)).toBe(text);
    expect(nanosToUsd(nanos)).toBe(Number(text));
  });

  const anyNanos = fc.bigInt({ min: -shownExactly, max: shownExactly });

  test('there and back is exact for every amount up to 2^23 USD', async () => {
    await fc.assert(fc.property(anyNanos, (nanos) => usdToNanos(nanosToUsd(nanos)) === nanos));
  });

  test('the JSON number has at most nine decimals', async () => {
    await fc.assert(
      fc.property(anyNanos, (nanos) => {
        const [mantissa = '', exponent = '0'] = JSON.stringify(nanosToUsd(nanos)).split('e');
        const decimals = (mantissa.split('.')[1] ?? '').length - Number(exponent);
        return decimals <= 9;
      }),
    );
  });

  test('an amount and its negative cancel out, rounded or not', async () => {
    await fc.assert(
      fc.property(fc.double({ min: 0, max: 1_000_000, noNaN: true }), (usd) => {
        expect(sumNanos([usdToNanos(usd, 'halfUp'), usdToNanos(-usd, 'halfUp')])).toBe(0n);
      }),
    );
  });
});

test('sums do not depend on the order', async () => {
  await fc.assert(
    fc.property(fc.array(fc.bigInt({ min: -million, max: million })), (amounts) => {
      expect(sumNanos(amounts.toReversed())).toBe(sumNanos(amounts));
    }),
  );
  expect(sumNanos([])).toBe(0n);
});
