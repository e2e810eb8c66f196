/** Writes tables of the scorer, and the list of their checksums with them. */

import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import * as z from 'zod';

const folder = new URL('../../shared/deliberation/tables/', import.meta.url);
const checksums = z.record(z.string(), z.string());

/** Writes `tables/<name>` and its line of `tables/checksums.json`; says on standard error whether it changed. */
export function writeTable(name: string, bytes: Buffer): void {
  const list = new URL('checksums.json', folder);
  const known = checksums.parse(JSON.parse(readFileSync(list, 'utf8')));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const change = known[name] === sha256 ? 'as it was' : 'changed';
  writeFileSync(new URL(name, folder), bytes);
  const all = Object.entries({ ...known, [name]: sha256 }).sort(([left], [right]) => (left < right ? -1 : 1));
  writeFileSync(list, `${JSON.stringify(Object.fromEntries(all), null, 2)}\n`);
  process.stderr.write(`tables/${name}: ${bytes.length} bytes, ${change}\n`);
}
