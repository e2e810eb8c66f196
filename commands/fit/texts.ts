/** The development sets as the fits read them. */

import { existsSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { readLines } from '../lines.ts';
import type { SoundText } from './damage.ts';

const line = z.looseObject({
  id: z.string(),
  set: z.string(),
  group: z.string(),
  goal: z.string(),
  variant: z.string(),
  text: z.string(),
});
export type LabelledText = z.infer<typeof line>;

/**
 * Sets with damaged reasoning that may be fitted: MIT and Apache-2.0. Sets without a stated licence or for
 * non-commercial use (perturb-fbi, fbi, nli-sick, nli-anli, cohesentia, trecqa and others) are measured only.
 */
export const damagedSets: readonly string[] = [
  'perturb-agent-react',
  'perturb-agent-whowhen',
  'perturb-entbank',
  'perturb-gsm8k',
  'perturb-prm800k',
];
/** Further sound texts: PRMBench's originals (Apache-2.0) and the few of SWE-agent (MIT). */
export const furtherSets: readonly string[] = ['perturb-agent-swe', 'prmbench'];

/** @throws Error naming the set that is not in the folder, or the line that cannot be read */
export async function readSet(folder: string, set: string): Promise<LabelledText[]> {
  const file = [`${set}.jsonl.gz`, `${set}.jsonl`].map((name) => path.join(folder, name)).find(existsSync);
  if (file === undefined) throw new Error(`${folder} holds no ${set}.jsonl or ${set}.jsonl.gz.`);
  const texts: LabelledText[] = [];
  for await (const written of readLines(file))
    if (written !== '') texts.push(line.parse(JSON.parse(written)));
  return texts;
}

/** The sound lines of a set, the first of each group, at most `texts_max`. */
export function soundLines(texts: readonly LabelledText[], texts_max: number): LabelledText[] {
  const groups = new Set<string>();
  return texts.filter(({ group, variant }) => {
    if (variant !== 'orig' || groups.has(group) || groups.size === texts_max) return false;
    groups.add(group);
    return true;
  });
}

/** The same as steps. */
export const soundTexts = (texts: readonly LabelledText[], texts_max: number): SoundText[] =>
  soundLines(texts, texts_max).map(({ set, goal, text }) => ({
    source: set,
    goal,
    steps: text.split('\n').filter((step) => step.trim() !== ''),
  }));

/** The part that a text belongs to, so that all texts about one goal stay on one side of a split (FNV-1a). */
export function partOf(goal: string, parts: number): number {
  let hash = 2166136261;
  for (let at = 0; at < goal.length; at += 1) hash = Math.imul(hash ^ goal.charCodeAt(at), 16777619);
  return (hash >>> 0) % parts;
}
