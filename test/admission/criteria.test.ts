/** The numbers of the criteria that explanations name are those of the orders of A10 and P2. */

import { expect, test } from '@jest/globals';
import { decidingAmongVictims, decidingInLine } from '../../shared/admission/criteria.ts';
import { compareWaiting } from '../../shared/admission/line.ts';
import { compareVictims } from '../../shared/admission/victims.ts';

const noon = '2026-03-11T12:00:00.000Z';
const before = '2026-03-11T11:59:59.999Z';

/** In each criterion one that goes first and one that goes second. */
const inLine = [
  [{ effectiveClass: 1 }, { effectiveClass: 2 }],
  [{ overdue: true }, { overdue: false }],
  [{ usesBurst: false }, { usesBurst: true }],
  [{ share: 0.1 }, { share: 0.2 }],
  [{ recent: 1 }, { recent: 2 }],
  [{ acceptedAt: before }, { acceptedAt: noon }],
  [{ taskId: 'B' }, { taskId: 'a' }],
  [{ tenantId: 'x' }, { tenantId: 'y' }],
] as const;

const placed = (fields: object) => {
  const task = {
    effectiveClass: 2,
    overdue: false,
    usesBurst: false,
    acceptedAt: noon,
    taskId: 't',
    tenantId: 'n',
  };
  const all = { ...task, share: 0, recent: 0, ...fields };
  return { ...all, standing: { share: all.share, recent: all.recent } };
};

test.each([
  [1, 'effective class', 'P1', 'P2'],
  [2, 'overdue first', 'overdue', 'not overdue'],
  [3, 'within the limit before burst', 'within the limit', 'on burst'],
  [4, 'smallest weighted share in use', '0.1', '0.2'],
  [5, 'smallest weighted share lately', '1', '2'],
  [6, 'acceptance time', before, noon],
  [7, 'task id', 'B', 'a'],
  [8, 'tenant id', 'x', 'y'],
])('line, criterion %i: %s, whatever the later ones say', (number, name, ahead, behind) => {
  // Better in this one, worse in all that follow.
  const merge = (side: 0 | 1) =>
    placed(
      Object.assign(
        {},
        ...inLine.map((pair, index) =>
          index < number - 1 ? {} : pair[index === number - 1 ? side : ((1 - side) as 0 | 1)],
        ),
      ),
    );
  const [first, second] = [merge(0), merge(1)];
  const standingOf = (tenantId: string) => (tenantId === first.tenantId ? first.standing : second.standing);
  expect(compareWaiting(first, second, standingOf)).toBeLessThan(0);
  expect(decidingInLine(first, second)).toEqual({ number, name, ahead, behind });
});

const amongVictims = [
  [{ usesBurst: true }, { usesBurst: false }],
  [{ class: 3 }, { class: 2 }],
  [{ share: 0.2 }, { share: 0.1 }],
  [{ workSinceCheckpointNanos: '9' }, { workSinceCheckpointNanos: '10000000' }],
  [{ runningSince: noon }, { runningSince: before }],
  [{ taskId: 'B' }, { taskId: 'a' }],
  [{ tenantId: 'x' }, { tenantId: 'y' }],
] as const;

const candidate = (fields: object) => ({
  ...{
    tenantId: 'v',
    taskId: 't',
    epoch: '1',
    class: 3,
    cpu: 1,
    memoryGb: 1,
    usesBurst: false,
    firstVictim: false,
  },
  ...{ runningSince: noon, preemptionStreak: 0, workSinceCheckpointNanos: '0', endsRun: true },
  ...{ share: 0, ownTenant: false },
  ...fields,
});

test.each([
  [1, 'burst users and those above a smaller pool first', 'on burst', 'neither'],
  [2, 'lowest class', 'P3', 'P2'],
  [3, 'tenant furthest over its share', '0.2', '0.1'],
  [4, 'least work since its last checkpoint', '0.000000009 USD', '0.01 USD'],
  [5, 'newest start', noon, before],
  [6, 'task id', 'B', 'a'],
  [7, 'tenant id', 'x', 'y'],
])('victims, criterion %i: %s, whatever the later ones say', (number, name, ahead, behind) => {
  const merge = (side: 0 | 1) =>
    candidate(
      Object.assign(
        {},
        ...amongVictims.map((pair, index) =>
          index < number - 1 ? {} : pair[index === number - 1 ? side : ((1 - side) as 0 | 1)],
        ),
      ),
    );
  const [first, second] = [merge(0), merge(1)];
  const shareOf = (tenantId: string) => (tenantId === first.tenantId ? first.share : second.share);
  expect(compareVictims(first, second, { tenantId: 'newcomer' }, shareOf)).toBeLessThan(0);
  expect(decidingAmongVictims(first, second)).toEqual({ number, name, ahead, behind });
});

test("burst does not count among the newcomer's own tenant, a mark of a smaller pool does", () => {
  const own = { ownTenant: true, taskId: 'a' };
  const other = candidate({ ownTenant: true, taskId: 'b' });
  expect(decidingAmongVictims(candidate({ ...own, usesBurst: true }), other)?.number).toBe(6);
  expect(decidingAmongVictims(candidate({ ...own, firstVictim: true }), other)).toMatchObject({
    number: 1,
    ahead: 'above a smaller pool',
  });
});

test('nothing decides between one and itself', () => {
  expect(decidingInLine(placed({}), placed({}))).toBeNull();
  expect(decidingAmongVictims(candidate({}), candidate({}))).toBeNull();
});
