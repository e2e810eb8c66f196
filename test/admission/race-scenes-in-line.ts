/** Situations of tasks that wait, are granted, have lapsed or leave. */

import { sweepRooms } from '../../shared/admission/store.ts';
import * as calls from './race-calls.ts';
import {
  again,
  granted,
  leaving,
  long,
  type RaceScene,
  running,
  spent,
  startLeaving,
  startWithAnother,
  startWithFreeQuota,
  urgent,
  waitForQuota,
  waiting,
  world,
  worldWithFreeQuota,
} from './race-cast.ts';

export const scenesInLine: readonly RaceScene[] = [
  {
    name: 'granted, another one waiting',
    arrange: async (caller) => {
      await startWithAnother(caller, { start: 'queue' });
      caller.api.advance(10);
    },
    world: world({ t: granted, u: waiting }, spent()),
    calls: [calls.claim('t'), calls.claims, calls.cancel('t'), calls.complete('t')],
    others: [
      calls.admit('n', { tenant: 'b', class: 0, cpu: 8 }),
      again({ start: 'queue' }),
      calls.admitPhase('t', 'x', 1),
      calls.cancel('u'),
      calls.heartbeat('t'),
      calls.checkpoint('t'),
      calls.preempt('t'),
      calls.costs('t', 56),
      calls.setBudget(1000),
      calls.setPool(16),
      calls.sweep,
      calls.pass,
    ],
  },
  {
    name: 'granted, claim time over, another one waiting',
    arrange: async (caller) => {
      await startWithAnother(caller, { start: 'queue' });
      caller.api.advance(60);
    },
    world: world({ t: { ...granted, due: true }, u: waiting }, spent()),
    calls: [calls.sweep, calls.pass],
    others: [
      calls.admit('n', { tenant: 'b', class: 0, cpu: 8 }),
      calls.claim('t'),
      calls.claim('u'),
      calls.claims,
      calls.cancel('t'),
      calls.cancel('u'),
      calls.setPool(16),
      calls.costs('t', 56),
    ],
  },
  {
    name: 'lease lapsed, another one waiting',
    arrange: async (caller) => {
      await startWithAnother(caller, {});
      caller.api.advance(60);
    },
    world: world({ t: { ...running, due: true }, u: waiting }, spent()),
    calls: [calls.regain('t'), calls.sweep, calls.pass],
    others: [
      calls.heartbeat('t'),
      calls.admit('n', { tenant: 'b', class: 0, cpu: 8 }),
      again({}),
      calls.admitPhase('t', 'x', 8),
      calls.claim('u'),
      calls.claims,
      calls.checkpoint('t'),
      calls.complete('t'),
      calls.cancel('t'),
      calls.cancel('u'),
      calls.preempt('t'),
      calls.resume('t'),
      calls.costs('t', 45),
      calls.setBudget(1000),
      calls.setQuotas(24),
      calls.setPool(16),
      calls.setPool(4),
    ],
  },
  {
    name: 'leaving for an urgent one',
    arrange: async (caller) => {
      await startLeaving(caller);
      caller.api.advance(10);
    },
    world: world({ t: leaving, n: urgent }, spent()),
    calls: [calls.checkpoint('t'), calls.heartbeat('t'), calls.complete('t'), calls.cancel('n', 'b')],
    others: [
      calls.admit('m', { tenant: 'b', class: 0, cpu: 8 }),
      calls.claim('n', 'b'),
      calls.claims,
      calls.cancel('t'),
      calls.preempt('t'),
      calls.costs('t', 45),
      calls.costs('t', 56),
      calls.setPool(16),
      calls.sweep,
      calls.pass,
    ],
  },
  {
    name: 'at the deadline of its leave',
    arrange: async (caller) => {
      await startLeaving(caller);
      caller.api.advance(30);
    },
    world: world({ t: { ...leaving, due: true }, n: urgent }, spent()),
    calls: [calls.checkpoint('t'), calls.sweep, calls.pass],
    others: [
      calls.admit('m', { tenant: 'b', class: 0, cpu: 8 }),
      calls.claim('n', 'b'),
      calls.claims,
      calls.heartbeat('t'),
      calls.complete('t'),
      calls.cancel('t'),
      calls.cancel('n', 'b'),
      calls.preempt('t'),
      calls.costs('t', 45),
      calls.setBudget(1000),
      calls.setPool(16),
    ],
  },
  {
    name: 'quota has come free for one that waits for it',
    arrange: (caller) => startWithFreeQuota(caller, long),
    world: worldWithFreeQuota(running, spent()),
    calls: [calls.quotaGrant],
    others: [
      calls.admit('n', { class: 1, cpu: 8 }),
      calls.admitAgain('u', waitForQuota),
      again(long),
      calls.admitPhase('t', 'x', 1),
      calls.claim('u'),
      calls.claims,
      calls.heartbeat('t'),
      calls.checkpoint('t'),
      calls.complete('t'),
      calls.cancel('u'),
      calls.preempt('t'),
      calls.resume('u'),
      calls.costs('t', 45),
      calls.setBudget(1000),
      calls.setQuotas(8),
      calls.setPool(8),
      calls.sweep,
      calls.pass,
    ],
  },
  {
    name: 'room has come free for the first of two in line',
    arrange: async (caller) => {
      await startWithAnother(caller, {});
      caller.api.advance(60);
      // As the sweep would, without the pass that follows.
      await sweepRooms(caller.database, 10, caller.api.now());
    },
    world: world(
      { t: { ...running, state: 'queued', waitingFor: 'pool', lapsed: true }, u: waiting },
      spent(),
    ),
    calls: [calls.pass],
    others: [
      calls.admit('n', { tenant: 'b', class: 0, cpu: 8 }),
      calls.admit('m', { cpu: 8 }),
      calls.admitPhase('t', 'x', 8),
      calls.regain('t'),
      calls.checkpoint('t'),
      calls.complete('t'),
      calls.cancel('t'),
      calls.costs('t', 56),
      calls.setPool(4),
      calls.claims,
      calls.sweep,
    ],
  },
  {
    name: 'quota has come free, and a lease has lapsed',
    arrange: (caller) => startWithFreeQuota(caller, {}),
    world: worldWithFreeQuota({ ...running, due: true }, spent()),
    calls: [calls.quotaGrant],
    others: [calls.regain('t'), calls.sweep],
  },
];
