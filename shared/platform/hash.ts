import { createHash } from 'node:crypto';
import { isExactNumber } from './exact-json.ts';

/**
 * JSON with sorted keys and no spaces: equal values give equal text, whatever order the caller wrote.
 * Members that are `undefined` are left out, as in JSON.stringify.
 *
 * @throws TypeError for values that JSON does not know, such as bigint
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) {
    return `[${value.map((item: unknown) => canonicalJson(item ?? null)).join(',')}]`;
  }
  if (typeof value === 'object' && value !== null && !('toJSON' in value) && !isExactNumber(value)) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
    return `{${members.join(',')}}`;
  }
  const text: string | undefined = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`A ${typeof value} has no JSON form.`);
  return text;
}

/** SHA-256 of UTF-8 text, 64 hexadecimal digits. */
export function sha256Hex(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

/** SHA-256 of the canonical JSON of a value. */
export function hashOf(value: unknown): string {
  return sha256Hex(canonicalJson(value));
}
