/** Reads labelled scores, or texts that are scored here, and joins them with labels from another file. */

import * as z from 'zod';
import type { LabelledScore } from '../../shared/deliberation/calibration.ts';
import { scoreLocally } from '../../shared/deliberation/local-scorer.ts';
import { asStored, dimensions } from '../../shared/deliberation/verdict.ts';
import { type Progress, readLines } from '../lines.ts';

export type Labelled = {
  readonly scores: readonly LabelledScore[];
  /** Lines that no label was found for, and labels that no line was found for; only with a file of labels. */
  readonly withoutLabel: number;
  readonly withoutScore: number;
};

const share = z.number().min(0).max(1);
const label = z.union([z.literal(1), z.literal(0), z.boolean()], {
  error: 'must be 1 or 0, or true or false',
});
const known = {
  id: z.union([z.string(), z.number()]).optional(),
  set: z.string().optional(),
  label: label.optional(),
  variant: z.string().optional(),
};
const scoredLine = z.object({
  ...known,
  depth: share,
  coherence: share,
  relevance: share,
  overall: share.optional(),
});
const textLine = z.object({ ...known, goal: z.string().nullish(), text: z.string() });
const labelLine = z.object(known).extend({ id: z.union([z.string(), z.number()]) });

type Known = z.infer<z.ZodObject<typeof known>>;

/** @throws Error naming file, line and field */
export async function readLabelled(
  path: string,
  labelsPath: string | null,
  shown: Progress,
): Promise<Labelled> {
  const labels = labelsPath === null ? null : await readLabels(labelsPath);
  const used = new Set<string>();
  const scores: LabelledScore[] = [];
  let withoutLabel = 0;
  for await (const [value, fail] of objectsOf(path)) {
    const line = isRecord(value) ? value : {};
    const isScored = dimensions.some((name) => name in line);
    const parsed = (isScored || !('text' in line) ? scoredLine : textLine).safeParse(value);
    if (!parsed.success) throw fail(wrongFields(parsed.error));
    const key = keyOf(parsed.data);
    if (labels !== null && key === null) throw fail('id: is required to find its label in the other file');
    const isSound = labels === null ? soundness(parsed.data) : labels.get(key ?? '');
    if (isSound === undefined && labels === null) {
      throw fail('label: is required, 1 for a sound text and 0 for a bad one (or variant, or --labels FILE)');
    }
    if (key !== null) used.add(key);
    if (isSound === undefined) withoutLabel += 1;
    else scores.push({ isSound, ...numbersOf(parsed.data) });
    shown.tick();
  }
  shown.done();
  const withoutScore = labels === null ? 0 : [...labels.keys()].filter((key) => !used.has(key)).length;
  return { scores, withoutLabel, withoutScore };
}

async function readLabels(path: string): Promise<Map<string, boolean>> {
  const labels = new Map<string, boolean>();
  for await (const [value, fail] of objectsOf(path)) {
    const parsed = labelLine.safeParse(value);
    if (!parsed.success) throw fail(wrongFields(parsed.error));
    const isSound = soundness(parsed.data);
    if (isSound === undefined) throw fail('label: is required, 1 for a sound text and 0 for a bad one');
    const key = keyOf(parsed.data) ?? '';
    if (labels.has(key) && labels.get(key) !== isSound) {
      throw fail(`label: contradicts an earlier line of the same set and id ${parsed.data.id}`);
    }
    labels.set(key, isSound);
  }
  return labels;
}

type Fail = (what: string) => Error;

async function* objectsOf(path: string): AsyncGenerator<readonly [value: unknown, fail: Fail]> {
  let number = 0;
  for await (const line of readLines(path)) {
    number += 1;
    if (line.trim() === '') continue;
    const at = number;
    const fail: Fail = (what) => new Error(`${path}, line ${at}: ${what}`);
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      throw fail('is not JSON');
    }
    yield [value, fail];
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function wrongFields(error: z.ZodError): string {
  return error.issues.map(({ path, message }) => `${path.join('.') || 'the line'}: ${message}`).join('; ');
}

/** A label goes before a variant; of sets of damaged texts the original is the sound one. */
function soundness({ label: given, variant }: Known): boolean | undefined {
  if (given !== undefined) return given === true || given === 1;
  return variant === undefined ? undefined : variant === 'orig';
}

function keyOf({ set, id }: Known): string | null {
  return id === undefined ? null : JSON.stringify([set ?? '', String(id)]);
}

function numbersOf(line: z.infer<typeof scoredLine> | z.infer<typeof textLine>) {
  if ('text' in line) {
    const { overall, depth, coherence, relevance } = scoreLocally({ text: line.text, goal: line.goal ?? '' });
    return { overall, depth, coherence, relevance };
  }
  const { depth, coherence, relevance } = line;
  const overall = line.overall ?? 0.35 * depth + 0.35 * coherence + 0.3 * relevance;
  return asStored({ overall, depth, coherence, relevance });
}
