/** Alerts that come with every request, or never (B4, B6): each threshold once for a budget, a period and a limit. */

import { afterEach, describe, expect } from '@jest/globals';
import { killAt } from '../../admission/race.ts';
import { testStart } from '../../setup/api.ts';
import { withDatabase } from '../../setup/database.ts';
import { expectNoDrift, worldOf } from '../world.ts';
import { failureTable } from './failure-table.ts';
import { budgetAt, levels } from './levels.ts';

const failures = failureTable(import.meta.filename, 'Alerts repeated, or never sent', {
  everyRequest: {
    seenAt: ['litellm #3738', 'litellm #3113'],
    happened: 'Once a budget is crossed, every further request sends the alert again',
    here: 'sixty further reports past a threshold tell nothing more',
  },
  several: {
    seenAt: ['litellm #32597'],
    happened:
      'Several thresholds were asked for, each once in a period; a cache that forgets is to see to it',
    here: 'nine thresholds crossed by a hundred reports at once are told once each, lowest first',
  },
  neverFired: {
    seenAt: ['paperclip #11276', 'cycles'],
    happened:
      'The warning of 80 % never came: costs were known when the run had ended, at 1022 %; or no code sends it',
    here: 'one report that jumps over all thresholds tells all of them, in order',
  },
  lostInCrash: {
    seenAt: ['litellm #32597', 'litellm #39102'],
    happened:
      'A cache, apart from the ledger, is to remember what was told: one crossing came as two webhook events',
    here: 'a store that dies under the report loses no alert and repeats none',
  },
  refund: {
    seenAt: ['B4'],
    happened: 'A correction takes the spending below the threshold, and the next cost sends the alert again',
    here: 'corrections downward tell nothing, nor does the way up again',
  },
  raise: {
    seenAt: ['B4'],
    happened: 'After a raise all thresholds are told again, or none',
    here: 'a raised limit arms only what is below again',
  },
});

const database = withDatabase();
const world = worldOf(database);

afterEach(async () => {
  world.api.at(testStart);
  await expectNoDrift(database);
});

const times = (count: number) => Array.from({ length: count }, (_, index) => index);

describe.each(levels)('%s', (level) => {
  const budget = (name: string, terms: object = {}) =>
    budgetAt(level, world, database, `${level}-${name}`, 100, { ...terms });

  failures.test(
    'everyRequest',
    async () => {
      const { spend, alerts } = await budget('spam');
      await spend(81);
      expect(await alerts()).toEqual([50, 80]);
      for (const _ of times(20)) await spend(0.1);
      await Promise.all(times(40).map(() => spend(0.1)));
      world.api.advance(3600);
      await spend(0.1);
      expect(await alerts()).toEqual([50, 80]);
    },
    level,
  );

  failures.test(
    'several',
    async () => {
      const alertsAt = [10, 20, 30, 62.5, 99, 120];
      const thresholds = { warn: 50, throttle: 80, pause: 95, alerts: alertsAt };
      const { spend, alerts } = await budget('several', { thresholds });
      await Promise.all(times(100).map(() => spend(1.2)));
      // In the order in which they were crossed, whichever report crossed them.
      expect(await alerts()).toEqual([10, 20, 30, 50, 62.5, 80, 95, 99, 120]);
    },
    level,
  );

  failures.test(
    'neverFired',
    async () => {
      const { spend, alerts } = await budget('jump');
      await spend(1022);
      expect(await alerts()).toEqual([50, 80, 95]);
    },
    level,
  );

  failures.test(
    'lostInCrash',
    async () => {
      const { spend, alerts } = await budget('crash');
      for (const gate of ['runs', 'events'] as const) {
        const { answer, killed } = await killAt(database, gate, () => spend(96, { eventId: 'fatal' }));
        expect({ gate, killed, answer }).toMatchObject({ killed: true, answer: { value: { status: 503 } } });
        expect(await alerts()).toEqual([]);
      }
      // The reporter does not know what came of it, and says it again on every run it has.
      for (const _ of times(3)) await spend(96, { eventId: 'fatal' });
      expect((await alerts()).slice(0, 3)).toEqual([50, 80, 95]);
      expect(await alerts()).toHaveLength(3);
    },
    level,
  );

  failures.test(
    'refund',
    async () => {
      const { spend, alerts } = await budget('refund');
      await spend(85);
      for (const _ of times(3)) {
        await spend(-60);
        await spend(60);
      }
      // At most 93 % in any order.
      await Promise.all(times(20).flatMap(() => [spend(-0.4), spend(0.4)]));
      expect(await alerts()).toEqual([50, 80]);
    },
    level,
  );

  failures.test(
    'raise',
    async () => {
      const { spend, alerts, setLimit } = await budget('raise');
      await spend(85);
      // 85 of 120 is 71 %: 80 may fire again, 50 may not.
      expect((await setLimit(120)).status).toBe(200);
      expect((await setLimit(120)).status).toBe(200);
      expect(await alerts()).toEqual([50, 80]);
      await Promise.all(times(12).map(() => spend(1)));
      expect(await alerts()).toEqual([50, 80, 80]);
      // Lowered below what is spent: what that reaches for the first time fires at once.
      expect((await setLimit(100)).status).toBe(200);
      await spend(1);
      expect(await alerts()).toEqual([50, 80, 80, 95]);
    },
    level,
  );
});
