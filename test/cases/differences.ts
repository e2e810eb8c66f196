/** Cases in which ours is another answer than the peer's, and what else a reader of the results should know. */

import type { Then } from './peer-case.ts';

export type Difference = {
  /** What ours does instead. */
  readonly ours: string;
  /** The rule of the product that says so. */
  readonly rule: string;
  /** The same in the words of cases, so that it is checked. */
  readonly instead: Then;
};

const nothingStops: Then = { preempt: [], wait: ['in'] };

/** By case. A case that must agree is never here; one that has come to agree has to be taken out. */
export const differences: Readonly<Record<string, Difference>> = {
  'pc-009': {
    ours: 'Nothing stops, the newcomer waits: equal class never preempts, whoever is older',
    rule: 'P1',
    instead: nothingStops,
  },
  'pc-065': {
    ours: 'Nothing stops, the newcomer waits: its tenant has no limit of its own, and burst comes from idle room only, for P0 too',
    rule: 'A5',
    instead: nothingStops,
  },
  'pc-070': {
    ours: 'Nothing stops, the newcomer waits: it needs burst, which preempts nobody, and the heavier tenant is of its own class',
    rule: 'A5, P1',
    instead: nothingStops,
  },
  'pc-074': {
    ours: 'One of the P2 tasks is told to leave for the P1 newcomer',
    rule: 'P1',
    instead: { preempt: ['1'], wait_until_stopped: ['3'], then_admit: ['3'] },
  },
  'pc-076': {
    ours: 'Both start: a request has no deadline for its start; who no longer wants it cancels it',
    rule: 'A10, A11',
    instead: { admit: ['201', '202'] },
  },
  'pc-113': {
    ours: 'Exactly 50 % fires: a threshold is reached at or above its percentage',
    rule: 'B4',
    instead: { fired: [50] },
  },
};

/** Of cases that agree: how they are said in the words of the contract, where that is not plain. */
export const remarks: Readonly<Record<string, string>> = {
  'pc-035': 'Pushed out by an operator (`POST …/preempt`), with a P0 task of another tenant taking the room',
  'pc-079': 'No task of the case is overridable, as the peer does not preempt',
  'pc-085': 'The shortest lease is 10 s; the run ends at the moment at which it lapses',
  'pc-089': 'The runner is told as a label; the status is 429 `quota_exceeded`',
  'pc-100': 'A repeat is answered as the first time; the model is a label, replaced by `PUT …/labels`',
  'pc-102': 'The status is 402 `budget_exhausted`, the peer has 429',
  'pc-109': 'Admitted to the queue, cancelled before a runner came',
  'pc-111': 'Percentages beyond the three are `thresholds.alerts`',
  'pc-112': '80 % fires too, as always; of the percentages asked for only 50',
  'pc-116':
    'A budget of zero is refused; the case is played with the smallest, 1e-9 USD, whose pause threshold is reached at once',
  'pc-119': 'A negative cost is a correction and says so',
};
