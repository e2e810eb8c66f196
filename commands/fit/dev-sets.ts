/** Reads labelled sets: lines of JSON, `<set>.jsonl` or `<set>.jsonl.gz`, as the scoring benchmark has them. */

import { existsSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { readLines } from '../lines.ts';

const labelledText = z.looseObject({
  id: z.string(),
  set: z.string(),
  /** Texts of one group share a source; a fold holds all of a group or none. */
  group: z.string(),
  variant: z.string(),
  goal: z.string(),
  text: z.string(),
  premise: z.string().exactOptional(),
  /** Of pairs: 1 = the text contradicts its premise. */
  label: z.number().nullish(),
});
export type LabelledText = z.infer<typeof labelledText>;

/** Those that the evaluator's figures over ALL are computed from. */
export const coreSets: readonly string[] = [
  'perturb-agent-react',
  'perturb-agent-whowhen',
  'perturb-entbank',
  'perturb-fbi',
  'perturb-gsm8k',
  'perturb-prm800k',
];

/** @throws Error naming the file that is missing, or the line that is not of this shape */
export async function readSet(folder: string, set: string): Promise<LabelledText[]> {
  const file = [`${set}.jsonl`, `${set}.jsonl.gz`].map((name) => path.join(folder, name)).find(existsSync);
  if (file === undefined) throw new Error(`${folder} has no ${set}.jsonl or ${set}.jsonl.gz.`);
  const texts: LabelledText[] = [];
  let number = 0;
  for await (const line of readLines(file)) {
    number += 1;
    if (line === '') continue;
    const parsed = labelledText.safeParse(JSON.parse(line));
    if (!parsed.success) throw new Error(`${file}, line ${number}: ${z.prettifyError(parsed.error)}`);
    texts.push(parsed.data);
  }
  return texts;
}

/** The part that a text belongs to by its group or goal, so that all that share it stay on one side of a split (FNV-1a). */
export function partOf(key: string, parts: number): number {
  let hash = 2166136261;
  for (let at = 0; at < key.length; at += 1) hash = Math.imul(hash ^ key.charCodeAt(at), 16777619);
  return (hash >>> 0) % parts;
}
