/** Situations of tasks at work, and of runs whose money runs out. */

import * as calls from './race-calls.ts';
import {
  again,
  granted,
  long,
  type RaceScene,
  running,
  spent,
  start,
  startWithAnother,
  startWithFreeQuota,
  stopped,
  throttled,
  waiting,
  world,
  worldWithFreeQuota,
} from './race-cast.ts';

export const scenesAtWork: readonly RaceScene[] = [
  {
    name: 'running',
    arrange: async (caller) => {
      await start(caller, long);
      caller.api.advance(60);
    },
    world: world({ t: running }, spent()),
    calls: [
      calls.admit('n', { tenant: 'b', class: 0, cpu: 8 }),
      again(long),
      calls.admitPhase('t', 'x', 1),
      calls.claim('t'),
      calls.claims,
      calls.heartbeat('t'),
      calls.checkpoint('t'),
      calls.complete('t'),
      calls.cancel('t'),
      calls.preempt('t'),
      calls.resume('t'),
      calls.costs('t', 45),
      calls.setBudget(1000),
      calls.setQuotas(4),
      calls.setPool(16),
      calls.sweep,
      calls.pass,
    ],
    others: [calls.setPool(4), calls.costs('t', 56)],
  },
  {
    name: 'two phases of one run at work',
    arrange: async (caller) => {
      await start(caller, { ...long, cpu: 4 });
      await caller.scene.askPhase('a', 't', {
        taskId: 'x',
        phase: 'test',
        resources: { cpu: 4, memoryGb: 1 },
        ...long,
      });
      caller.api.advance(60);
    },
    world: world(
      { t: { ...running, cpu: 4 }, x: { ...running, class: 1, queueClass: 1, cpu: 4, accepted: 1 } },
      spent(),
    ),
    calls: [
      calls.complete('t'),
      calls.complete('x'),
      calls.cancel('t'),
      calls.cancel('x'),
      calls.costs('x', 56),
    ],
    others: [
      calls.admitPhase('t', 'y', 4),
      calls.heartbeat('t'),
      calls.checkpoint('t'),
      calls.preempt('t'),
      calls.costs('t', 45),
      calls.setBudget(1000),
      calls.setPool(16),
    ],
  },
  {
    name: 'at 80 %, the bus late',
    arrange: async (caller) => {
      await start(caller, long, 85);
      caller.api.advance(60);
    },
    world: world({ t: running }, spent({ ...throttled, open: ['throttle'], overdue: ['throttle'] })),
    calls: [calls.act('throttle'), calls.sweep, calls.setBudget(1000)],
    others: [
      calls.admit('n', { tenant: 'b', class: 0, cpu: 8 }),
      again(long),
      calls.admitPhase('t', 'x', 1),
      calls.claims,
      calls.heartbeat('t'),
      calls.checkpoint('t'),
      calls.complete('t'),
      calls.cancel('t'),
      calls.preempt('t'),
      calls.costs('t', 11),
      calls.setQuotas(24),
      calls.setPool(16),
      calls.pass,
    ],
  },
  {
    name: 'at 95 %, the bus late',
    arrange: async (caller) => {
      await start(caller, long, 96);
      caller.api.advance(60);
    },
    world: world(
      { t: running },
      spent({ ...stopped, open: ['throttle', 'pause'], overdue: ['throttle', 'pause'] }),
    ),
    calls: [calls.act('pause'), calls.act('throttle'), calls.setBudget(1000)],
    others: [
      calls.admit('n', { tenant: 'b', class: 0, cpu: 8 }),
      calls.heartbeat('t'),
      calls.checkpoint('t'),
      calls.complete('t'),
      calls.cancel('t'),
      calls.preempt('t'),
      calls.resume('t'),
      calls.costs('t', 1),
      calls.sweep,
      calls.pass,
    ],
  },
  {
    name: 'at 95 %, granted and another one waiting',
    arrange: async (caller) => {
      await startWithAnother(caller, { start: 'queue' }, 96);
      caller.api.advance(30);
    },
    world: world(
      { t: granted, u: waiting },
      spent({ ...stopped, open: ['throttle', 'pause'], overdue: ['throttle', 'pause'] }),
    ),
    calls: [calls.act('pause')],
    others: [
      calls.claim('t'),
      calls.claim('u'),
      calls.claims,
      calls.cancel('t'),
      calls.cancel('u'),
      calls.setBudget(1000),
      calls.sweep,
      calls.pass,
    ],
  },
  {
    name: 'paused',
    arrange: async (caller) => {
      await start(caller, long, 96);
      await calls.act('throttle').send(caller);
      await calls.act('pause').send(caller);
      await caller.scene.checkpoint('a', 't', 1, 1);
      caller.api.advance(60);
    },
    world: world({ t: { ...running, state: 'paused', sequence: 1, queueClass: 3 } }, spent(stopped)),
    calls: [calls.resume('t'), calls.setBudget(1000)],
    others: [
      calls.admit('n', { tenant: 'b', class: 0, cpu: 8 }),
      calls.admit('m', { cpu: 8 }),
      again(long),
      calls.admitPhase('t', 'x', 1),
      calls.act('pause'),
      calls.claim('t'),
      calls.claims,
      calls.heartbeat('t'),
      calls.checkpoint('t', 2),
      calls.complete('t'),
      calls.cancel('t'),
      calls.preempt('t'),
      calls.costs('t', 1),
      calls.setQuotas(4),
      calls.setPool(4),
      calls.sweep,
      calls.pass,
    ],
  },
  {
    name: 'at 95 %, the lease lapsed',
    arrange: async (caller) => {
      await start(caller, {}, 96);
      caller.api.advance(60);
    },
    world: world(
      { t: { ...running, due: true } },
      spent({ ...stopped, open: ['throttle', 'pause'], overdue: ['throttle', 'pause'] }),
    ),
    calls: [calls.act('pause')],
    others: [calls.regain('t'), calls.complete('t')],
  },
  {
    name: 'at 80 %, another one waiting for quota that has come free',
    arrange: (caller) => startWithFreeQuota(caller, long, 85),
    world: worldWithFreeQuota(running, spent({ ...throttled, open: ['throttle'], overdue: ['throttle'] })),
    calls: [calls.act('throttle')],
    others: [calls.quotaGrant],
  },
];
