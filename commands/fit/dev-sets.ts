/** Reads labelled sets for a fit: lines of JSON, `<set>.jsonl` or `<set>.jsonl.gz`, as the scoring benchmark has them. */

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { readLines } from '../lines.ts';

const example = z.object({
  /** Examples of one group share a source; a fold holds all of a group or none. */
  group: z.string(),
  variant: z.string(),
  goal: z.string(),
  text: z.string(),
  premise: z.string().optional(),
  /** Of pairs: 1 = the text contradicts its premise. */
  label: z.number().nullish(),
});
export type Example = z.infer<typeof example>;

/** @throws Error naming the file that is missing, or the line that is not of this shape */
export async function readSet(folder: string, set: string): Promise<Example[]> {
  const file = [`${set}.jsonl`, `${set}.jsonl.gz`]
    .map((name) => path.join(folder, name))
    .find((one) => existsSync(one));
  if (file === undefined) throw new Error(`${folder} has no ${set}.jsonl or ${set}.jsonl.gz.`);
  const examples: Example[] = [];
  let number = 0;
  for await (const line of readLines(file)) {
    number += 1;
    if (line === '') continue;
    const parsed = example.safeParse(JSON.parse(line));
    if (!parsed.success) throw new Error(`${file}, line ${number}: ${z.prettifyError(parsed.error)}`);
    examples.push(parsed.data);
  }
  return examples;
}

export const folds = 5;

/** Fold of a group, by a hash of its name. */
export const foldOf = (group: string): number =>
  (createHash('sha256').update(group).digest()[0] ?? 0) % folds;
