/** Paging of lists: `?limit=&cursor=` in, `{items, nextCursor}` out. */

import * as z from 'zod';
import { badRequest } from './problem.ts';

/** Query parameters of every list; extend it with the list's own filters. Values arrive as text. */
export const pageQuery = z.strictObject({
  limit: z
    .string()
    .regex(/^[1-9]\d{0,2}$/, 'must be a whole number from 1 to 100')
    .transform(Number)
    .pipe(z.number().max(100, 'must be at most 100'))
    .default(50),
  cursor: z.string().min(1).max(1024).optional(),
});

export type PageQuery = z.output<typeof pageQuery>;

export type Page<Item> = { readonly items: readonly Item[]; readonly nextCursor: string | null };

/** Opaque text for a position in a list. */
export function encodeCursor(position: unknown): string {
  return Buffer.from(JSON.stringify(position), 'utf8').toString('base64url');
}

/** @throws Problem 400 naming `cursor` when the text is not a cursor of this list */
export function decodeCursor<Position>(cursor: string, position: z.ZodType<Position>): Position {
  const parsed = position.safeParse(jsonOrUndefined(Buffer.from(cursor, 'base64url').toString('utf8')));
  if (!parsed.success) {
    throw badRequest([
      { path: 'cursor', message: 'is not a cursor of this list; use nextCursor of the page before' },
    ]);
  }
  return parsed.data;
}

/**
 * One page of rows that were read with `limit + 1`: the extra row only tells that there is more.
 *
 * @param positionOf the position of a row, as `decodeCursor` will give it back
 */
export function toPage<Row, Item>(
  rows: readonly Row[],
  limit: number,
  toItem: (row: Row) => Item,
  positionOf: (row: Row) => unknown,
): Page<Item> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const more = rows.length > limit && last !== undefined;
  return { items: shown.map(toItem), nextCursor: more ? encodeCursor(positionOf(last)) : null };
}

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
