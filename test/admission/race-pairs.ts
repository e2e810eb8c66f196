/** Lets every pair of a scene's calls meet, and holds what comes of it against the rules. */

import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type TestDatabase, withDatabase } from '../setup/database.ts';
import { brokenInvariants } from '../setup/invariants.ts';
import { callerOf, type Fault, type Gate, keepState, meetAt } from './race.ts';
import type { RaceCall } from './race-calls.ts';
import type { RaceScene } from './race-cast.ts';
import { allowedOutcomes, type Outcome, observe, play } from './race-outcome.ts';
import type { World } from './race-world.ts';
import { startAgain } from './scene.ts';

export type Pair = readonly [RaceCall, RaceCall];

const gates: readonly Gate[] = ['pool', 'runs', 'tasks'];

export function pairsOf({ calls, others }: RaceScene): Pair[] {
  return calls.flatMap((call, index) =>
    [...calls.slice(index), ...others].map((other): Pair => [call, other]),
  );
}

/** `claims` may also find a run busy and pass its task over, for its caller to ask again (api.md: answers at once). */
function allowed(world: World, [one, other]: Pair): Outcome[] {
  const variants = (call: RaceCall): RaceCall[] =>
    call.kind === 'claims' ? [call, { ...call, rule: () => '200 nothing' }] : [call];
  return variants(one).flatMap((first) =>
    variants(other).flatMap((second) => allowedOutcomes(world, [first, second])),
  );
}

/** One test for each pair of each scene. Use at a file's top level. */
export function racePairs(scenes: readonly RaceScene[]): void {
  const db = withDatabase();
  const faults: Fault[] = [];
  beforeEach(() => {
    faults.length = 0;
  });
  describe.each(scenes)('$name', (scene) => {
    const meeting = meetingOf(db, scene, faults);
    beforeAll(meeting.arrange);
    test.each(pairsOf(scene).map((pair) => ({ pair, name: pair.map(({ name }) => name).join(' and ') })))(
      '$name',
      async ({ pair }) => {
        const outcomes = allowed(scene.world, pair);
        for await (const met of meeting.rounds(pair)) {
          expect(outcomes.map((outcome) => ({ ...met, outcome }))).toContainEqual(met);
        }
        const limitsLowered = pair.some(({ kind }) => kind === 'set quotas' || kind === 'set pool');
        expect(await brokenInvariants(db.admin, meeting.now(), { limitsLowered })).toEqual([]);
        expect(faults).toEqual([]);
      },
    );
  });
}

type Met = { readonly gate: Gate | 'none'; readonly swapped: boolean; readonly outcome: Outcome };

function meetingOf(db: TestDatabase, scene: RaceScene, faults: Fault[]) {
  const first = callerOf(() => db.app, faults);
  const second = callerOf(() => db.app, faults);
  let restore: () => Promise<unknown>;
  let before: string[];
  let swappedNext = false;

  const look = (heard: readonly string[]) => observe(db.admin, first.api.now(), heard, before);

  async function* rounds([one, other]: Pair): AsyncGenerator<Met> {
    const sends = [() => one.send(first), () => other.send(second)];
    const meetAtGate = async (gate: Gate, swapped: boolean) => {
      await restore();
      const { answers, allWaited } = await meetAt(db, gate, swapped ? sends.toReversed() : sends);
      const outcome = await look(swapped ? answers.toReversed() : answers);
      return { met: { gate, swapped, outcome }, allWaited };
    };
    for (const gate of gates) {
      const { met, allWaited } = await meetAtGate(gate, false);
      yield met;
      // With fewer than two waiting the other order is no other race; with all of them no later gate is another one.
      if (!allWaited) continue;
      if (one !== other) yield (await meetAtGate(gate, true)).met;
      break;
    }
    // And once without a gate, now one and now the other a little earlier.
    swappedNext = !swappedNext;
    const swapped = swappedNext;
    await restore();
    const answers = await Promise.all((swapped ? sends.toReversed() : sends).map((send) => send()));
    yield { gate: 'none', swapped, outcome: await look(swapped ? answers.toReversed() : answers) };
  }

  return {
    now: () => first.api.now(),
    /** Makes the scene, sees that the rules know it as it is, and keeps it for every round to start from. */
    arrange: async () => {
      await startAgain(db.admin, first.api);
      await scene.arrange(first);
      second.api.at(first.api.now());
      before = [];
      const arranged = await look([]);
      before = arranged.happened;
      expect({ ...arranged, happened: [] }).toEqual(play(scene.world, []));
      restore = await keepState(db.admin);
    },
    rounds,
  };
}
