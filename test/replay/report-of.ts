import { noBreaches } from '../../commands/replay/breaches.ts';
import { byClass } from '../../commands/replay/classes.ts';
import { unbounded } from '../../commands/replay/conditions.ts';
import type { Report } from '../../commands/replay/report.ts';
import { percentilesOf, spreadOf } from '../../commands/replay/statistics.ts';

/** A report of a replay in which P1 waited 1, 2 and 3 s and nothing else happened, unless said otherwise. */
export function reportWith(facts: Partial<Report> = {}): Report {
  const waits = [1, 2, 3];
  const peak = { used: 1, share: null };
  return {
    conditions: unbounded,
    tasks: 3,
    tenants: 1,
    admitted: 0,
    queued: 3,
    completed: 3,
    refusals: {},
    waitSeconds: byClass((number) => (number === 1 ? spreadOf(waits) : null)),
    waitsInOrder: { mean: true, p99: true },
    waitPercentiles: byClass((number) => (number === 1 ? percentilesOf(waits) : null)),
    preemptions: 0,
    resumes: 0,
    lostWorkUSD: 0,
    spentUSD: 0,
    utilisation: { cpu: null, memory: null, tasks: null },
    peak: {
      pool: { cpu: peak, memoryGb: peak, tasks: peak },
      tenant: { cpu: peak, memoryGb: peak, runs: peak },
    },
    jainIndex: 1,
    startEstimate: byClass(() => null),
    timeline: {
      stepSeconds: 1,
      cpu: [1, 1, 1],
      memoryGb: [2, 2, 2],
      tasks: [1, 1, 1],
      waiting: byClass((number) => (number === 1 ? [2, 1, 0] : [0, 0, 0])),
      preemptions: [0, 0, 0],
    },
    virtualSeconds: 3,
    wallSeconds: 1,
    decisions: 6,
    decisionsPerSecond: 6,
    breaches: noBreaches(),
    ...facts,
  };
}
