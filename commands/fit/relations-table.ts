/** Makes the table of meanings, `tables/relations.bin`, from WordNet; `shared/deliberation/relations.ts` reads it. */

import { baseForms } from './word-forms.ts';
import { parts, type SynsetId, type WordNet } from './wordnet.ts';

/** Rarer meanings join words that nobody takes for related. */
const senses_max = 6;
const compound_senses_max = 1;

/**
 * Meanings of the words of `tables/words.bin` and of compounds of two of them, what is broader and what is opposite.
 *
 * @param words in the order of that table
 */
export function relationsTable(words: readonly string[], { sensesOf, compounds, synsets }: WordNet): Buffer {
  const ranks = new Map(words.map((word, rank): [string, number] => [word, rank]));
  const pairs = compounds.flatMap((lemma) => {
    const [first = -1, second = -1] = lemma.split('_').map((word) => ranks.get(word) ?? -1);
    return first < 0 || second < 0 ? [] : [{ lemma, first, second }];
  });
  const senses: SynsetId[][] = [
    ...words.map((word) =>
      parts.flatMap((part) => {
        const found = baseForms(word, part).flatMap((form) => sensesOf(form, part));
        return [...new Set(found)].slice(0, senses_max);
      }),
    ),
    ...pairs.map(({ lemma }) => sensesOf(lemma, 'noun').slice(0, compound_senses_max)),
  ];
  const kept = new Set<SynsetId>();
  const keep = (id: SynsetId) => {
    if (kept.has(id)) return;
    kept.add(id);
    for (const parent of synsets.get(id)?.parents ?? []) keep(parent);
  };
  for (const own of senses) for (const id of own) keep(id);
  const order = parts.flatMap((part) => [...kept].filter((id) => id.startsWith(`${part} `)).sort());
  if (order.length > 0xffff) throw new Error(`${order.length} meanings do not fit two bytes each.`);
  const numbers = new Map(order.map((id, number): [SynsetId, number] => [id, number]));
  const numbersOf = (ids: readonly SynsetId[]) => ids.map((id) => numbers.get(id) ?? -1);
  const parents = order.map((id) => numbersOf(synsets.get(id)?.parents ?? []));
  const opposites = order.flatMap((id, number) =>
    numbersOf(synsets.get(id)?.opposites ?? [])
      .filter((other) => other > number)
      .map((other) => [number, other]),
  );
  const sense_numbers = senses.map(numbersOf);
  const first_adjective = order.findIndex((id) => id.startsWith('adj '));
  return Buffer.concat([
    headerOf([
      ...[words.length, pairs.length, order.length, first_adjective],
      ...[countOf(sense_numbers), countOf(parents), countOf(opposites)],
    ]),
    shorts(pairs.map(({ first, second }) => [first, second])),
    ...[shorts(sense_numbers), shorts(parents), shorts(opposites)],
    ...[lengths(sense_numbers), lengths(parents)],
  ]);
}

function headerOf(counts: readonly number[]): Buffer {
  const header = Buffer.alloc(4 + 4 * counts.length);
  header.write('MSR1', 'latin1');
  for (const [at, count] of counts.entries()) header.writeUInt32LE(count, 4 + 4 * at);
  return header;
}

const countOf = (lists: readonly (readonly number[])[]): number => lists.flat().length;

function shorts(lists: readonly (readonly number[])[]): Buffer {
  const values = lists.flat();
  const bytes = Buffer.alloc(values.length * 2);
  for (const [at, value] of values.entries()) bytes.writeUInt16LE(value, at * 2);
  return bytes;
}

const lengths = (lists: readonly (readonly number[])[]): Buffer =>
  Buffer.from(lists.map((list) => list.length));
