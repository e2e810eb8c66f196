/** What the schema and the code both say must be the same, and what the schema promises it must keep. */

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { keyScope } from '../../shared/access/contract.ts';
import { quotas, runStatus, taskState, violation } from '../../shared/admission/contract.ts';
import { budgetLevel } from '../../shared/budget/contract.ts';
import { recommendation } from '../../shared/deliberation/contract.ts';
import { withDatabase } from '../setup/database.ts';

const database = withDatabase();

/** The texts of a check constraint, in the order of the alphabet. */
async function wordsOf(constraint: string): Promise<string[]> {
  const [row] = await database.admin.query<{ definition: string }>(
    'select pg_get_constraintdef(oid) as definition from pg_constraint where conname = $1',
    [constraint],
  );
  return [...(row?.definition ?? '').matchAll(/'([^']+)'::text/g)].map((match) => match[1] ?? '').toSorted();
}

test.each([
  ['task_state_known', taskState.options],
  ['run_status_known', runStatus.options],
  ['budget_level_known', budgetLevel.options.filter((level) => level !== 'ok')],
  ['account_budget_level_known', budgetLevel.options.filter((level) => level !== 'ok')],
  ['score_recommendation_known', recommendation.options],
  ['violation_severity_known', violation.shape.severity.options],
  ['tenant_quality_gate_known', quotas.shape.qualityGate.unwrap().options],
  ['key_scope_known', keyScope.options],
])('%s knows the words that the code knows', async (constraint, options) => {
  expect(await wordsOf(constraint)).toEqual(options.toSorted());
});

describe('append-only tables', () => {
  test.each([
    'tenant_usage',
    'checkpoints',
    'decisions',
    'cost_events',
    'budget_changes',
    'account_budget_events',
    'org_changes',
    'deliberation_scores',
    'quota_violations',
  ])('%s: the application may add and read, and no more', async (table) => {
    const may = async (privilege: string) =>
      (
        await database.app.query<{ granted: boolean }>(
          'select has_table_privilege(current_user, $1, $2) as granted',
          [table, privilege],
        )
      )[0]?.granted;
    expect(await may('insert')).toBe(true);
    expect(await may('select')).toBe(true);
    expect(await may('update')).toBe(false);
    expect(await may('delete')).toBe(false);
    expect(await may('truncate')).toBe(false);
    await expect(
      database.app.query(
        `update ${table} set ${table === 'org_changes' ? 'org_id' : table === 'account_budget_events' ? 'account_id' : 'tenant_id'} = 'x'`,
      ),
    ).rejects.toThrow(/permission denied/);
  });

  test('nothing at all may be dropped, emptied or altered by the application', async () => {
    await expect(database.app.query('drop table runs')).rejects.toThrow(/must be owner/);
    await expect(database.app.query('truncate events')).rejects.toThrow(/permission denied/);
    await expect(database.app.query('delete from events')).rejects.toThrow(/permission denied/);
    await expect(database.app.query('create table mine (a int)')).rejects.toThrow(/permission denied/);
    await expect(database.app.query('select * from schema_migrations')).rejects.toThrow(/permission denied/);
  });
});

describe('the text of every statement', () => {
  const folders = ['shared', 'functions', 'migrations/functions'];

  async function sources(): Promise<{ file: string; text: string }[]> {
    const root = join(import.meta.dirname, '../..');
    const found = await Promise.all(
      folders.map(async (folder) =>
        (await readdir(join(root, folder), { recursive: true })).map((file) => join(folder, file)),
      ),
    );
    const files = found.flat().filter((file) => /\.(sql|ts)$/.test(file));
    return Promise.all(files.map(async (file) => ({ file, text: await readFile(join(root, file), 'utf8') })));
  }

  /** What a connection proxy answers by keeping the connection for one client. */
  const pinning: readonly (readonly [name: string, pattern: RegExp])[] = [
    ['advisory locks', /\bpg_(try_)?advisory_/i],
    ['sequences by hand', /\b(nextval|currval|setval|lastval)\s*\(/i],
    ['LISTEN or NOTIFY', /['"`]\s*(un)?listen\s|\bpg_notify\s*\(|['"`]\s*notify\s/i],
    ['PREPARE', /['"`;]\s*(prepare|deallocate)\s/i],
    ['temporary tables', /\bcreate\s+(temp|temporary)\b/i],
    ['cursors', /\bdeclare\s+\w+\s+cursor\b/i],
    [
      'session settings',
      /\bset_config\s*\(|(['"`;]|^)\s*set\s+(local\s+|session\s+)?\w+\s*(=|to)\s|\breset\s+all\b/im,
    ],
  ];

  test.each(pinning)('no %s, which would pin a connection of the proxy', async (_, pattern) => {
    const guilty = (await sources()).filter(({ file, text }) => pattern.test(withoutUpdates(file, text)));
    expect(guilty.map(({ file }) => file)).toEqual([]);
  });
});

/** `update t set a = 1` and `do update set` are not settings; in SQL files neither is a line that goes on from one. */
function withoutUpdates(file: string, text: string): string {
  const joined = text.replaceAll(/\bupdate\b[^;`]*?\bset\b/gi, 'update');
  return file.endsWith('.sql') ? joined.replaceAll(/^--.*$/gm, '') : joined;
}

test('each index of the tasks says what reads it', async () => {
  const rows = await database.admin.query<{ name: string; said: string | null }>(
    `select indexrelid::regclass::text as name, obj_description(indexrelid, 'pg_class') as said
     from pg_index where indrelid = 'tasks'::regclass and not indisprimary`,
  );
  expect(rows.length).toBeGreaterThan(0);
  expect(rows.filter(({ said }) => said === null)).toEqual([]);
});
