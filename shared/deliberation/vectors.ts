/**
 * What words mean, as vectors: the table `tables/words.bin`, built by `npm run fit -- words`. Its words are in the order
 * of their frequency in English, so the place of a word also tells how much it says.
 */

import { tableBytes } from './tables.ts';

export type Vectors = {
  readonly dimensions: number;
  /** Place of a word, most frequent first; -1 when the table lacks it. Expects lower case. */
  readonly rankOf: (word: string) => number;
  /** Whole numbers of -127 to 127, one word after another; the length of a vector is `unit`. */
  readonly values: Int8Array;
};

/** Length of every word's vector in the table. */
export const unit = 300;
const magic = 'MSW1';
const header_bytes = 16;

/** @throws Error when the bytes are not such a table */
export function readVectors(bytes: Buffer): Vectors {
  if (bytes.toString('latin1', 0, 4) !== magic) throw new Error('This is no table of word vectors.');
  const count = bytes.readUInt32LE(4);
  const dimensions = bytes.readUInt32LE(8);
  const words_bytes = bytes.readUInt32LE(12);
  const start = header_bytes + words_bytes;
  if (bytes.length !== start + count * dimensions) throw new Error('The table of word vectors is cut short.');
  const ranks = new Map<string, number>();
  for (const word of bytes.toString('latin1', header_bytes, start).split('\n')) ranks.set(word, ranks.size);
  return {
    dimensions,
    rankOf: (word) => ranks.get(word) ?? -1,
    values: new Int8Array(bytes.buffer, bytes.byteOffset + start, count * dimensions),
  };
}

let loaded: Vectors | undefined;

/** The table beside this module, read at the first use and kept. */
export function vectors(): Vectors {
  loaded ??= readVectors(tableBytes('words.bin'));
  return loaded;
}

/** How much a word says, 0..1, by its rank: about 0 for the first ten words, 1 for one that the table lacks. */
export const weightOfRank = (rank: number): number =>
  rank < 0 ? 1 : Math.log(1 + rank / 10) / Math.log(1 + 4000);

/** Cosine of two words of the table, -1..1. */
export function wordCosine({ values, dimensions }: Vectors, left: number, right: number): number {
  let sum = 0;
  const from = left * dimensions;
  const other = right * dimensions;
  for (let at = 0; at < dimensions; at += 1) sum += (values[from + at] ?? 0) * (values[other + at] ?? 0);
  return sum / (unit * unit);
}
