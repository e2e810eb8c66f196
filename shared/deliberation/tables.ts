/** The one file of the scorer that reads from disk: tables that `npm run fit` writes and a bundle carries beside it. */

import { readFileSync } from 'node:fs';

/** Names below `tables/`. */
export type TableName = 'words.bin' | 'relations.bin' | 'contradiction.json';

/** Bytes of a table, read anew at each call: the caller keeps what it makes of them. */
export const tableBytes = (name: TableName): Buffer =>
  readFileSync(new URL(`./tables/${name}`, import.meta.url));
