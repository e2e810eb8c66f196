/** Situations of tasks that wait, are granted, have lapsed or leave. */

import { setQuotas as setQuotasOnly, sweepRooms } from '../../shared/admission/store.ts';
import * as calls from './race-calls.ts';
import {
  again,
  filling,
  granted,
  leaving,
  long,
  type RaceScene,
  running,
  spent,
  start,
  urgent,
  urgentAsk,
  waiting,
  world,
} from './race-cast.ts';

export const scenesInLine: readonly RaceScene[] = [
  {
    name: 'granted, another one waiting',
    arrange: async (caller) => {
      await start(caller, { start: 'queue' });
      await caller.scene.ask('a', 'u', filling);
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
      await start(caller, { start: 'queue' });
      await caller.scene.ask('a', 'u', filling);
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
      await start(caller, {});
      await caller.scene.ask('a', 'u', filling);
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
      await start(caller, long);
      caller.api.advance(60);
      await urgentAsk.send(caller);
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
      await start(caller, long);
      caller.api.advance(60);
      await urgentAsk.send(caller);
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
    arrange: async (caller) => {
      const { scene, database, api } = caller;
      await start(caller, long);
      await scene.setPool(100);
      await scene.setQuotas('a', { cpu: { limit: 8, burstShare: 0 } });
      await scene.ask('a', 'u', { ...filling, onQuota: 'wait' });
      // Without the pass that follows in the API.
      await setQuotasOnly(database, 'a', { cpu: { limit: 24, burstShare: 0 } }, 'test', api.now());
      api.advance(60);
    },
    world: world({ t: running, u: { ...waiting, waitingFor: 'quota' } }, spent(), {
      pool_cpu: 100,
      limits_cpu: { a: 24 },
    }),
    calls: [calls.quotaGrant],
    others: [
      calls.admit('n', { class: 1, cpu: 8 }),
      calls.admitAgain('u', { ...filling, onQuota: 'wait' }),
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
      await start(caller, {});
      await caller.scene.ask('a', 'u', filling);
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
    arrange: async (caller) => {
      await start(caller, {});
      await caller.scene.setPool(100);
      await caller.scene.setQuotas('a', { cpu: { limit: 8, burstShare: 0 } });
      await caller.scene.ask('a', 'u', { ...filling, onQuota: 'wait' });
      await setQuotasOnly(
        caller.database,
        'a',
        { cpu: { limit: 24, burstShare: 0 } },
        'test',
        caller.api.now(),
      );
      caller.api.advance(60);
    },
    world: world({ t: { ...running, due: true }, u: { ...waiting, waitingFor: 'quota' } }, spent(), {
      pool_cpu: 100,
      limits_cpu: { a: 24 },
    }),
    calls: [calls.quotaGrant],
    others: [calls.regain('t'), calls.sweep],
  },
];
