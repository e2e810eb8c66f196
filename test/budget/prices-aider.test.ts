/** Real sessions of a coding agent, interleaved through the HTTP API: each ends with the total that its client kept. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import * as z from 'zod';
import { readLines } from '../../commands/lines.ts';
import { usdToNanos } from '../../shared/platform/money.ts';
import { withDatabase } from '../setup/database.ts';
import { expectNoDrift, worldOf } from './world.ts';

const database = withDatabase();
const world = worldOf(database);

const file = join('..', 'shared', 'data', 'prices', 'aider-cost-events.jsonl.gz');
const line = z.object({
  t: z.number(),
  session: z.number(),
  model: z.string(),
  prompt_tokens: z.int(),
  completion_tokens: z.int(),
  running_total_usd: z.number(),
});
type Line = z.infer<typeof line>;

const title = 'sessions that report in turns each end with their own running total, to 1e-9 USD';
const testWithData = existsSync(file) ? test : test.skip;

testWithData(existsSync(file) ? title : `${title} (skipped: ${file} is not there)`, async () => {
  const sessions = new Map<number, Line[]>();
  for await (const text of readLines(file)) {
    const event = line.parse(JSON.parse(text));
    sessions.set(event.session, [...(sessions.get(event.session) ?? []), event]);
  }
  await world.setQuotas('aider', {});
  for (const session of sessions.keys()) await world.start('aider', `session-${session}`, 100);
  const longest = Math.max(...[...sessions.values()].map((events) => events.length));
  for (let turn = 0; turn < longest; turn += 1) {
    // A turn of every session at once.
    const answers = [...sessions].flatMap(([session, events]) => {
      const event = events[turn];
      return event === undefined ? [] : [world.report('aider', `session-${session}`, costOf(event, turn))];
    });
    for (const { body } of await Promise.all(answers))
      expect(body).toMatchObject({ accepted: 1, rejected: [] });
  }
  const spent = await database.app.query<{ run_id: string; nanos: bigint }>(
    `select run_id, spent_usd_nanos as nanos from runs where tenant_id = 'aider'`,
  );
  const expected = [...sessions].map(([session, events]) => ({
    run_id: `session-${session}`,
    nanos: usdToNanos(events.at(-1)?.running_total_usd ?? -1, 'halfUp'),
  }));
  const byRun = (a: { run_id: string }, b: { run_id: string }) => (a.run_id < b.run_id ? -1 : 1);
  expect(spent.toSorted(byRun)).toEqual(expected.toSorted(byRun));
  await expectNoDrift(database);
});

const costOf = (event: Line, turn: number) => ({
  eventId: `turn-${turn}`,
  model: event.model,
  occurredAt: new Date(event.t * 1000).toISOString(),
  usage: { inputTokens: event.prompt_tokens, outputTokens: event.completion_tokens },
});
