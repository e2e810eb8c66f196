/** The numbered criteria of the two orders, to name the one that decided (R5). Pure. The orders are line.ts and victims.ts. */

import { nanosToDecimal } from '../platform/money.ts';
import type { Placed, Standing } from './line.ts';
import { className } from './priority.ts';
import type { RunningTask } from './victims.ts';

/** One criterion of an order: the smaller value comes first. */
type Criterion<Item> = {
  readonly name: string;
  readonly of: (item: Item) => number | bigint | string;
  readonly show: (item: Item) => string;
};

/** Why one comes before another: the first criterion in which they differ, counted from 1 as the orders count. */
export type Deciding = {
  readonly number: number;
  readonly name: string;
  /** The value of the one ahead, and of the one behind, in words. */
  readonly ahead: string;
  readonly behind: string;
};

export type PlacedStanding = Placed & { readonly standing: Standing };

const lineCriteria: readonly Criterion<PlacedStanding>[] = [
  {
    name: 'effective class',
    of: (task) => task.effectiveClass,
    show: (task) => className(task.effectiveClass),
  },
  {
    name: 'overdue first',
    of: (task) => (task.overdue ? 0 : 1),
    show: (task) => (task.overdue ? 'overdue' : 'not overdue'),
  },
  {
    name: 'within the limit before burst',
    of: (task) => (task.usesBurst ? 1 : 0),
    show: (task) => (task.usesBurst ? 'on burst' : 'within the limit'),
  },
  {
    name: 'smallest weighted share in use',
    of: (task) => task.standing.share,
    show: (task) => numberText(task.standing.share),
  },
  {
    name: 'smallest weighted share lately',
    of: (task) => task.standing.recent,
    show: (task) => numberText(task.standing.recent),
  },
  {
    name: 'acceptance time',
    of: (task) => Date.parse(task.acceptedAt),
    show: (task) => timeText(task.acceptedAt),
  },
  { name: 'task id', of: (task) => task.taskId, show: (task) => task.taskId },
  { name: 'tenant id', of: (task) => task.tenantId, show: (task) => task.tenantId },
];

/** Why `ahead` stands before `behind` in the line; null for one and the same. */
export function decidingInLine(ahead: PlacedStanding, behind: PlacedStanding): Deciding | null {
  return deciding(lineCriteria, ahead, behind);
}

/** A running task as the order of victims sees it. */
export type Candidate = RunningTask & {
  /** Weighted share of the pool that its tenant uses. */
  readonly share: number;
  /** Of the tenant that the room is for: its burst does not count against itself. */
  readonly ownTenant: boolean;
};

const isFirst = (task: Candidate): boolean => task.firstVictim || (task.usesBurst && !task.ownTenant);

const victimCriteria: readonly Criterion<Candidate>[] = [
  {
    name: 'burst users and those above a smaller pool first',
    of: (task) => (isFirst(task) ? 0 : 1),
    show: (task) => (task.firstVictim ? 'above a smaller pool' : isFirst(task) ? 'on burst' : 'neither'),
  },
  { name: 'lowest class', of: (task) => -task.class, show: (task) => className(task.class) },
  {
    name: 'tenant furthest over its share',
    of: (task) => -task.share,
    show: (task) => numberText(task.share),
  },
  {
    name: 'least work since its last checkpoint',
    of: (task) => BigInt(task.workSinceCheckpointNanos),
    show: (task) => `${nanosToDecimal(BigInt(task.workSinceCheckpointNanos))} USD`,
  },
  {
    name: 'newest start',
    of: (task) => -Date.parse(task.runningSince),
    show: (task) => timeText(task.runningSince),
  },
  { name: 'task id', of: (task) => task.taskId, show: (task) => task.taskId },
  { name: 'tenant id', of: (task) => task.tenantId, show: (task) => task.tenantId },
];

/** Why `ahead` has to leave before `behind`; null for one and the same. */
export function decidingAmongVictims(ahead: Candidate, behind: Candidate): Deciding | null {
  return deciding(victimCriteria, ahead, behind);
}

function deciding<Item>(criteria: readonly Criterion<Item>[], ahead: Item, behind: Item): Deciding | null {
  const index = criteria.findIndex(({ of }) => of(ahead) !== of(behind));
  const criterion = criteria[index];
  if (criterion === undefined) return null;
  const { name, show } = criterion;
  return { number: index + 1, name, ahead: show(ahead), behind: show(behind) };
}

/** At most nine digits after the point, as money has: enough to tell shares apart, without the dust of binary sums. */
export function numberText(value: number): string {
  return value.toFixed(9).replace(/\.?0+$/, '');
}

function timeText(time: string): string {
  return new Date(time).toISOString();
}
