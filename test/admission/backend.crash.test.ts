/**
 * The backend of a call dies at every point where the call can wait: what its transaction had done is undone, what it had
 * committed before stays, and the same call made again comes to the one outcome.
 */

import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { StoreUnavailable } from '../../shared/platform/db.ts';
import { withDatabase } from '../setup/database.ts';
import { brokenInvariants } from '../setup/invariants.ts';
import { callerOf, type Gate, keepState, killAt } from './race.ts';
import { kinds, type RaceCall } from './race-calls.ts';
import { brokenOff, madeAgain, observe } from './race-outcome.ts';
import { scenesAtWork } from './race-scenes-at-work.ts';
import { scenesInLine } from './race-scenes-in-line.ts';
import { startAgain } from './scene.ts';

const db = withDatabase();
const caller = callerOf(() => db.app, []);
const gates: readonly Gate[] = ['pool', 'runs', 'tasks', 'line', 'events'];

/** What a call that a program makes, and not a runner, throws instead of answering 503. */
const heardOf = (answer: PromiseSettledResult<string>): string => {
  if (answer.status === 'fulfilled') return answer.value;
  if (answer.reason instanceof StoreUnavailable) return '503 store_unavailable';
  throw answer.reason;
};

test('every kind of call dies somewhere', () => {
  const died = new Set(
    [...scenesInLine, ...scenesAtWork].flatMap(({ calls }) => calls.map(({ kind }) => kind)),
  );
  expect(kinds.filter((kind) => !died.has(kind))).toEqual([]);
});

describe.each([...scenesInLine, ...scenesAtWork])('$name', (scene) => {
  let restore: () => Promise<unknown>;
  let before: string[];

  beforeAll(async () => {
    await startAgain(db.admin, caller.api);
    await scene.arrange(caller);
    before = (await observe(db.admin, caller.api.now(), [])).happened;
    restore = await keepState(db.admin);
  });
  beforeEach(() => restore());

  const left = (heard: readonly string[]) => observe(db.admin, caller.api.now(), heard, before);

  async function dieAt(gate: Gate, call: RaceCall): Promise<boolean> {
    await restore();
    const { answer, killed } = await killAt(db, gate, () => call.send(caller));
    if (!killed) return false;
    expect(heardOf(answer)).toBe('503 store_unavailable');
    expect(brokenOff(scene.world, call)).toContainEqual(await left([]));
    const again = await call.send(caller);
    expect(madeAgain(scene.world, call)).toContainEqual(await left([again]));
    return true;
  }

  test.each(scene.calls)('$name', async (call) => {
    for (const gate of gates) await dieAt(gate, call);
    const limitsLowered = call.kind === 'set quotas' || call.kind === 'set pool';
    expect(await brokenInvariants(db.admin, caller.api.now(), { limitsLowered })).toEqual([]);
  });
});
