import type { Step } from './reading.ts';

/** A sum that does not come out, as written, with the value it should have. */
export type WrongSum = { readonly step: number; readonly written: string; readonly value: number };

/** Plain sums such as `12 * 15 = 180`; lengths are bounded so that no text makes the search slow. */
const sum =
  /(?<![\w$.,)^%}\]\\]|[-+*/x×÷=)%\d]\s?)(\$?\d[\d,]{0,12}(?:\.\d{1,8})?(?:\s?[-+*/x×÷]\s?\$?\d[\d,]{0,12}(?:\.\d{1,8})?){1,6})\s?=\s?\$?(-?\d[\d,]{0,14}(?:\.\d{1,8})?)(?!\s?[-+*/x×÷^(\d%]|[.,]\d|[a-z]\b)/gi;
const step_chars_max = 2000;
/** Texts round; a result within this share of the true value is right. */
const rounding_share = 0.01;

/** Sums in steps whose stated result is wrong. Anything but plain numbers and the four operations is left alone. */
export function wrongSums(steps: readonly Step[]): WrongSum[] {
  return steps.flatMap(({ index, text }) =>
    [...text.slice(0, step_chars_max).matchAll(sum)].flatMap(([written, left = '', right = '']) => {
      const value = evaluate(left);
      const stated = Number(right.replaceAll(',', ''));
      if (value === null || isRounded(stated, value)) return [];
      return [{ step: index, written, value }];
    }),
  );
}

function isRounded(stated: number, value: number): boolean {
  const allowed = Number.isInteger(stated) && !Number.isInteger(value) ? 1 : 0.01;
  return (
    Math.abs(stated - value) <=
    Math.max(allowed, Math.abs(value) * (Number.isInteger(value) ? 1e-9 : rounding_share))
  );
}

/** Value of a chain of numbers and operators, products first; null when it divides by zero. */
function evaluate(expression: string): number | null {
  const parts = expression.replace(/[\s,$]/g, '').match(/\d+(?:\.\d+)?|[-+*/x×÷]/gi) ?? [];
  let total = 0;
  let product = Number(parts[0]);
  for (let at = 1; at + 1 < parts.length; at += 2) {
    const value = Number(parts[at + 1]);
    const operator = parts[at];
    if (operator === '+' || operator === '-') {
      total += product;
      product = operator === '+' ? value : -value;
    } else product = operator === '/' || operator === '÷' ? product / value : product * value;
  }
  const result = total + product;
  return Number.isFinite(result) ? result : null;
}
