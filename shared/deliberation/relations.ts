/**
 * How words relate in WordNet: the table `tables/relations.bin`, built by `npm run fit -- words`. It knows the words of
 * the table of vectors by their ranks there, inflected forms by their base forms.
 */

import { tableBytes } from './tables.ts';

/** Lists of numbers behind each other; list n is `values` from `starts[n]` to `starts[n + 1]`. */
type Lists = { readonly starts: Uint32Array; readonly values: Uint16Array };

export type Relations = {
  /** Meanings of a word by its rank, and behind the words of compounds; most frequent first per part of speech. */
  readonly senses: Lists;
  /** Number of the compound of two words by `first rank * 65536 + second rank`, such as "dining room". */
  readonly compounds: ReadonlyMap<number, number>;
  /** Meanings from this number on are of adjectives and adverbs: what is broader of them is what is similar. */
  readonly first_adjective: number;
  /** Broader meanings of a meaning. */
  readonly parents: Lists;
  /** Meanings that exclude each other, both ways round, as `first * 65536 + second`. */
  readonly opposites: ReadonlySet<number>;
};

const magic = 'MSR1';
const counts_at = 4;
const counts_max = 7;
const header_bytes = counts_at + 4 * counts_max;

/** @throws Error when the bytes are not such a table */
export function readRelations(bytes: Buffer): Relations {
  if (bytes.toString('latin1', 0, 4) !== magic) throw new Error('This is no table of relations.');
  const [
    words = 0,
    compounds = 0,
    meanings = 0,
    first_adjective = 0,
    senses = 0,
    parents = 0,
    opposites = 0,
  ] = Array.from({ length: counts_max }, (_, at) => bytes.readUInt32LE(counts_at + 4 * at));
  const shorts = 2 * compounds + senses + parents + opposites;
  if (bytes.length !== header_bytes + shorts * 2 + words + compounds + meanings) {
    throw new Error('The table of relations is cut short.');
  }
  // Copied, since a view needs an even place; the machines that this runs on keep the low byte first, as the table.
  const values = new Uint16Array(
    Uint8Array.from(bytes.subarray(header_bytes, header_bytes + shorts * 2)).buffer,
  );
  let from = 0;
  const next = (count: number) => {
    from += count;
    return values.subarray(from - count, from);
  };
  const pairs = keysOf(next(2 * compounds));
  const senseValues = next(senses);
  const parentValues = next(parents);
  const excluding = keysOf(next(opposites));
  const lengths = bytes.subarray(header_bytes + shorts * 2);
  return {
    senses: { starts: startsOf(lengths.subarray(0, words + compounds)), values: senseValues },
    parents: { starts: startsOf(lengths.subarray(words + compounds)), values: parentValues },
    compounds: new Map(pairs.map((key, at): [number, number] => [key, words + at])),
    first_adjective,
    opposites: new Set(excluding.flatMap((key) => [key, pairKey(key % 65_536, Math.floor(key / 65_536))])),
  };
}

export const pairKey = (first: number, second: number): number => first * 65_536 + second;

function keysOf(pairs: Uint16Array): number[] {
  const keys: number[] = [];
  for (let at = 0; at < pairs.length; at += 2) keys.push(pairKey(pairs[at] ?? 0, pairs[at + 1] ?? 0));
  return keys;
}

function startsOf(lengths: Uint8Array): Uint32Array {
  const starts = new Uint32Array(lengths.length + 1);
  lengths.forEach((length, at) => {
    starts[at + 1] = (starts[at] ?? 0) + length;
  });
  return starts;
}

let loaded: Relations | undefined;

/** The table beside this module, read at the first use and kept. */
export function relations(): Relations {
  loaded ??= readRelations(tableBytes('relations.bin'));
  return loaded;
}

const listOf = ({ starts, values }: Lists, number: number): Uint16Array =>
  number < 0 ? empty : values.subarray(starts[number] ?? 0, starts[number + 1] ?? 0);
const empty = new Uint16Array();

export const sensesOf = ({ senses }: Relations, rank: number): Uint16Array => listOf(senses, rank);
export const parentsOf = ({ parents }: Relations, meaning: number): Uint16Array => listOf(parents, meaning);
