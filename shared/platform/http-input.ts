/** Reading a request: every wrong field is collected, so that one answer names them all (R1). */

import type * as z from 'zod';
import { isExactNumber, parseExactJson } from './exact-json.ts';
import { idPattern } from './ids.ts';
import { badRequest, type FieldError, membersTooLarge, tooLarge } from './problem.ts';

/** Deeper JSON than this is refused; nothing in the contract comes near it. */
const depthMax = 64;

export type Parsed = { readonly value: unknown; readonly errors: readonly FieldError[] };

/** The body's bytes as text. @throws Problem 413 when there are more than `bytes_max` */
export function bodyText(body: string | undefined, isBase64Encoded: boolean, bytes_max: number): string {
  if (body === undefined) return '';
  const bytes = Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8');
  if (bytes.length > bytes_max) throw tooLarge(bytes_max);
  return isBase64Encoded ? bytes.toString('utf8') : body;
}

/**
 * JSON object of a body, amounts of money to their last digit; an empty body reads as `{}`.
 *
 * @throws Problem 400 with path `$` when it is neither
 */
export function parseJsonObject(text: string): Readonly<Record<string, unknown>> {
  if (text.trim() === '') return {};
  let value: unknown;
  try {
    value = parseExactJson(text);
  } catch {
    throw badRequest([{ path: '$', message: 'must be valid JSON' }]);
  }
  if (!isObject(value)) throw badRequest([{ path: '$', message: 'must be a JSON object' }]);
  const errors: FieldError[] = [];
  collectUnstorable(value, '', 0, errors);
  if (errors.length > 0) throw badRequest(errors);
  return value;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What JSON allows and the store, or JSON on the way out, does not. */
function collectUnstorable(value: unknown, path: string, depth: number, errors: FieldError[]): void {
  const message = unstorable(value, depth);
  if (message !== undefined) {
    errors.push({ path: path || '$', message });
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      collectUnstorable(item, `${path}[${index}]`, depth + 1, errors);
    }
  } else if (isObject(value) && !isExactNumber(value)) {
    for (const [key, member] of Object.entries(value)) {
      const name = joinPath(path, key);
      if (unstorable(key, 0) !== undefined || key === '__proto__') {
        errors.push({ path: path || '$', message: 'has a member name that is not allowed' });
      } else {
        collectUnstorable(member, name, depth + 1, errors);
      }
    }
  }
}

function unstorable(value: unknown, depth: number): string | undefined {
  if (typeof value === 'string' && (value.includes('\0') || !value.isWellFormed())) {
    return 'must not hold NUL characters or unpaired surrogates';
  }
  if (typeof value === 'number' && !Number.isFinite(value)) return 'must be a finite number';
  return depth > depthMax ? `is nested deeper than ${depthMax} levels` : undefined;
}

/** @throws Problem 413 naming every member that is too large */
export function checkMemberSizes(
  body: Readonly<Record<string, unknown>>,
  bytes_max: Readonly<Record<string, number>>,
): void {
  const errors = Object.entries(bytes_max).flatMap(([path, max]) => {
    const value = body[path];
    return typeof value === 'string' && Buffer.byteLength(value, 'utf8') > max
      ? [{ path, message: `must be at most ${max} bytes of UTF-8` }]
      : [];
  });
  if (errors.length > 0) throw membersTooLarge(errors);
}

/** Judges a value by its schema; the paths of the errors are as the caller wrote them. */
export function parseWith(schema: z.ZodType, value: unknown): Parsed {
  const parsed = schema.safeParse(value);
  return parsed.success
    ? { value: parsed.data, errors: [] }
    : { value: undefined, errors: fieldErrors(parsed.error, value) };
}

/** Errors of a schema as field errors: `budget.maxCostUSD`, `events[3].eventId`; `$` is the whole value. */
export function fieldErrors(error: z.ZodError, input: unknown): FieldError[] {
  return error.issues.flatMap((issue): FieldError[] => {
    const path = issue.path.reduce<string>(joinPath, '');
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({ path: joinPath(path, key), message: 'is not a known field' }));
    }
    const missing = issue.code === 'invalid_type' && valueAt(input, issue.path) === undefined;
    return [{ path: path || '$', message: missing ? 'is required' : issue.message }];
  });
}

function joinPath(path: string, key: PropertyKey): string {
  if (typeof key === 'number') return `${path}[${key}]`;
  return path === '' ? String(key) : `${path}.${String(key)}`;
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, key)
        ? Reflect.get(value, key)
        : undefined,
    input,
  );
}

/** Path parameters that are not ids. */
export function pathErrors(params: Readonly<Record<string, string | undefined>>): FieldError[] {
  return Object.entries(params)
    .filter(([, value]) => !idPattern.test(value ?? ''))
    .map(([path]) => ({ path, message: 'must be 1 to 128 of the characters A-Z a-z 0-9 . _ : -' }));
}

/** The Idempotency-Key header: 1 to 255 printable ASCII characters, or absent. */
export function idempotencyKeyErrors(key: string | undefined): FieldError[] {
  if (key === undefined || /^[\x20-\x7e]{1,255}$/.test(key)) return [];
  return [{ path: 'Idempotency-Key', message: 'must be 1 to 255 printable ASCII characters' }];
}
