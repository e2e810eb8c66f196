import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parentsOf, readRelations, relations, sensesOf } from '../../shared/deliberation/relations.ts';
import { readVectors, vectors, wordCosine } from '../../shared/deliberation/vectors.ts';

const folder = 'shared/deliberation/tables';
const bytesOf = (name: string) => readFileSync(path.join(folder, name));
const checksums: Record<string, string> = JSON.parse(bytesOf('checksums.json').toString());
const tables = readdirSync(folder).filter((name) => name !== 'checksums.json' && name !== 'README.md');

test('every table is the one that `npm run fit` wrote, and is listed', () => {
  const found = tables.map((name) => [name, createHash('sha256').update(bytesOf(name)).digest('hex')]);
  expect(Object.fromEntries(found)).toEqual(checksums);
});

test('all tables together stay under 10 MB', () => {
  const sizes = readdirSync(folder).map((name) => bytesOf(name).length);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(10_000_000);
});

test('every source of a table is named with its licence', () => {
  const notices = bytesOf('README.md').toString();
  for (const name of tables) expect(notices).toContain(`\`${name}\``);
});

describe('what the tables say', () => {
  const table = vectors();
  const rank = (word: string) => table.rankOf(word);

  test('words that mean much the same have like vectors', () => {
    const cosine = (left: string, right: string) => wordCosine(table, rank(left), rank(right));
    expect(cosine('guitar', 'piano')).toBeGreaterThan(0.6);
    expect(cosine('guitar', 'mortgage')).toBeLessThan(0.2);
    expect(rank('the')).toBe(0);
    expect(rank('nosuchword')).toBe(-1);
  });

  test('a word shares meanings with its synonym and with its own forms', () => {
    const shared = (left: string, right: string) =>
      [...sensesOf(relations(), rank(left))].filter((one) =>
        sensesOf(relations(), rank(right)).includes(one),
      );
    expect(shared('car', 'automobile')).not.toEqual([]);
    expect(shared('women', 'woman')).not.toEqual([]);
    expect(shared('stopped', 'stop')).not.toEqual([]);
    expect(shared('car', 'piano')).toEqual([]);
  });

  test('a compound of two words has its own meaning, below that of its last word', () => {
    const { compounds } = relations();
    const dining = compounds.get(rank('dining') * 65_536 + rank('room')) ?? -1;
    const [meaning = -1] = sensesOf(relations(), dining);
    const room = sensesOf(relations(), rank('room'));
    expect([...parentsOf(relations(), meaning)].some((parent) => room.includes(parent))).toBe(true);
  });

  test.each([
    ['vectors', readVectors, 'words.bin'],
    ['relations', readRelations, 'relations.bin'],
  ])('a damaged table of %s is named, not read', (_, read, name) => {
    const bytes = bytesOf(name);
    expect(() => read(bytes.subarray(0, -1))).toThrow('cut short');
    expect(() => read(Buffer.from('{"words": []}'.padEnd(64)))).toThrow('no table');
  });
});
