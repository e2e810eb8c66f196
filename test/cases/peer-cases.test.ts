/** Cases that the test suites of other systems decide, decided by ours. docs/peer-cases.md shows what came of them. */

import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { testApi } from '../setup/api.ts';
import { withDatabase } from '../setup/database.ts';
import { differences, remarks } from './differences.ts';
import { unmet } from './judge.ts';
import { readPeerCases } from './peer-case.ts';
import { play } from './play.ts';
import { type Result, tableOf } from './table.ts';

const database = withDatabase();
const api = testApi(() => database.app);
const peerCases = readPeerCases();
const page = path.join(import.meta.dirname, '..', '..', 'docs', 'peer-cases.md');
const updates = process.env.UPDATE_CASES === '1';

if (peerCases === null) {
  test.skip('the peer cases are not here: ../shared/data/cases/peer-cases-dev.json', () => {});
} else {
  const results: Result[] = [];

  test.each(peerCases.map((one) => [`${one.id} ${one.agreement}: ${one.why}`, one] as const))(
    '%s',
    async (_, peerCase) => {
      const result = { peerCase, agrees: false };
      results.push(result);
      const evidence = await play(database.admin, api, peerCase);
      const otherwise = await unmet(peerCase.then, evidence);
      result.agrees = otherwise.length === 0;
      const difference = differences[peerCase.id];
      if (difference === undefined) {
        expect(otherwise).toEqual([]);
      } else if (result.agrees) {
        throw new Error(`${peerCase.id} agrees with the peer: take it out of test/cases/differences.ts.`);
      } else {
        expect(await unmet(difference.instead, evidence)).toEqual([]);
      }
    },
  );

  describe('the page of results', () => {
    const known = new Map(peerCases.map((one) => [one.id, one]));

    test('explains cases that there are, and no difference where there must be none', () => {
      const explained = [...Object.keys(differences), ...Object.keys(remarks)];
      expect(explained.filter((id) => !known.has(id))).toEqual([]);
      expect(Object.keys(differences).filter((id) => known.get(id)?.agreement === 'must')).toEqual([]);
    });

    test('is up to date', () => {
      // Part of the cases was asked for by name: nothing to compare with.
      if (results.length < peerCases.length) return;
      const table = tableOf(results);
      if (updates) writeFileSync(page, table);
      expect(readFileSync(page, 'utf8')).toBe(table);
    });
  });
}

test('the page of results names every difference with its rule', () => {
  if (updates) return;
  const rows = readFileSync(page, 'utf8').split('\n');
  for (const [id, { ours, rule }] of Object.entries(differences)) {
    expect(rows.find((row) => row.startsWith(`| ${id} |`))).toContain(`| differs | ${ours} (${rule}) |`);
  }
});
