/** `then`: what a case expects beside what was seen, one check for each of its words. */

import { type Left, letBudgetsAct, type Seen } from './act.ts';
import type { PeerCase, Then } from './peer-case.ts';
import { roleOf, type Stage } from './stage.ts';

export type Evidence = {
  readonly peerCase: PeerCase;
  readonly stage: Stage;
  readonly seen: Seen;
  readonly left: Left;
};

export type Check = {
  readonly word: keyof Then;
  /** What the case expects and what was seen, in a form to compare. */
  readonly expected: unknown;
  readonly seen: unknown;
  readonly holds: boolean;
};

/** What was not seen as `then` says. */
export async function unmet(then: Then, evidence: Evidence): Promise<Check[]> {
  const checks: Check[] = [];
  for (const word of Object.keys(then) as (keyof Then)[]) {
    checks.push(await check(word, then, evidence));
  }
  return checks.filter((one) => !one.holds);
}

/** The two sides of one check: equal when it holds. */
type Sides = { readonly expected: unknown; readonly seen: unknown };
type Words = { [W in keyof Then]-?: NonNullable<Then[W]> };
type Judges = {
  readonly [W in keyof Words]: (expected: Words[W], evidence: Evidence) => Sides | Promise<Sides>;
};

async function check<W extends keyof Words>(word: W, then: Then, evidence: Evidence): Promise<Check> {
  const wanted = then[word];
  if (wanted === undefined) throw new Error(`The case says nothing for ${word}.`);
  const { expected, seen } = await judges[word](wanted as Words[W], evidence);
  return { word, expected, seen, holds: JSON.stringify(expected) === JSON.stringify(seen) };
}

const judges: Judges = {
  preempt: (ids, { seen }) => ({ expected: ids.toSorted(), seen: seen.preempted.toSorted() }),
  wait: (ids, { seen, left }) => ({
    expected: each(ids, () => 'queued, queued'),
    seen: each(ids, (id) => `${stateIn(seen.states, id)}, ${stateIn(left.states, id)}`),
  }),
  // Of several newcomers each may have its own victims, so that the first starts before the last victim has left.
  wait_until_stopped: (ids, { seen, left }) => ({
    expected: each(ids, () => 'queued'),
    seen: each(ids, (id) => {
      const state = stateIn(seen.states, id);
      const stopped = left.startedAfter.get(id) ?? left.leavers;
      const isEarly = stopped < (ids.length === 1 ? left.leavers : Math.min(1, left.leavers));
      return state === 'queued' && isEarly ? `started when ${stopped} of ${left.leavers} had left` : state;
    }),
  }),
  then_admit: (ids, { left }) => ({
    expected: each(ids, () => 'running'),
    seen: each(ids, (id) => stateIn(left.states, id)),
  }),
  admit: (ids, { seen }) => ({ expected: ids.toSorted(), seen: [...new Set(seen.started)].toSorted() }),
  not_admitted: (ids, evidence) => notStarted(ids, evidence),
  wait_or_reject: (ids, evidence) => notStarted(ids, evidence),
  expire: (ids, { seen }) => ({
    expected: each(ids, () => 'ended, never started'),
    seen: each(ids, (id) =>
      ['failed', 'cancelled'].includes(stateIn(seen.states, id)) && !seen.started.includes(id)
        ? 'ended, never started'
        : stateIn(seen.states, id),
    ),
  }),
  order: (ids, { seen }) => ({ expected: ids, seen: seen.started }),
  http_status: (statuses, { seen, peerCase: { may_differ } }) => {
    const own = each(Object.keys(statuses), (id) => submission(seen, id).answer.status);
    const isPeersOwn = may_differ !== undefined && /status code is the peer's/i.test(may_differ);
    if (!isPeersOwn) return { expected: statuses, seen: own };
    const isRefusal = (status: number | undefined) => [402, 409, 422, 429].includes(status ?? 0);
    return {
      expected: each(Object.keys(statuses), () => 'a refusal'),
      seen: each(Object.keys(statuses), (id) => (isRefusal(own[id]) ? 'a refusal' : own[id])),
    };
  },
  usage_after: async (usage, { stage }) => {
    const seen: Record<string, { runs: number }> = {};
    for (const tenantId of Object.keys(usage)) {
      seen[tenantId] = { runs: (await stage.calls.usageOf(tenantId)).concurrentRuns.used };
    }
    return { expected: usage, seen };
  },
  usage_after_each: (counts, { seen }) => ({ expected: counts, seen: seen.runsAfterEach }),
  same_answer: (_, { seen }) => {
    const [first, second] = seen.heard.filter((one) => one.submitted !== undefined).slice(-2);
    const shown = (one: typeof first) => ({ status: one?.answer.status, body: one?.answer.body });
    return { expected: shown(first), seen: shown(second) };
  },
  no_error: (_, { seen }) => statusesBelow(400, seen),
  no_server_error: (_, { seen }) => statusesBelow(500, seen),
  finite: async (_, { stage, seen }) => {
    const notFinite: string[] = [];
    for (const id of stage.cast.keys()) {
      if (stateIn(seen.states, id) === 'refused') continue;
      const { budget, costs } = await stage.calls.runOf(roleOf(stage, id));
      const { limitUSD, spentUSD, heldUSD, percentUsed } = budget;
      const figures = { limitUSD, spentUSD, heldUSD, percentUsed, totalUSD: costs.totalUSD };
      notFinite.push(
        ...Object.entries(figures).flatMap(([name, value]) =>
          Number.isFinite(value) ? [] : [`${id} ${name} ${value}`],
        ),
      );
    }
    return { expected: [], seen: notFinite };
  },
  record: async ({ model }, { stage, seen }) => {
    const [id = ''] = stage.cast.keys();
    const run = await stage.calls.runOf(roleOf(stage, id));
    return {
      expected: { model, startedAt: seen.firstRead.get(id)?.startedAt },
      seen: { model: run.labels.model, startedAt: run.startedAt },
    };
  },
  paused: async (ids, { stage }) => {
    const states = await letBudgetsAct(stage);
    return {
      expected: each(ids, () => 'paused'),
      seen: each(ids, (id) => stateIn(states, id)),
    };
  },
  untouched: async (ids, { stage, seen }) => {
    const states = await letBudgetsAct(stage);
    const heard: Record<string, string> = {};
    for (const id of ids) {
      const { body } = await stage.calls.heartbeat(roleOf(stage, id));
      heard[id] = `${stateIn(states, id)}, told to ${body.directive?.action}`;
    }
    return { expected: each(ids, (id) => `${stateIn(seen.states, id)}, told to continue`), seen: heard };
  },
  fired: async (percents, { stage }) => {
    const asked = stage.given.thresholds_pct ?? [];
    const fired = [...(await firedOf(stage)).keys()].filter((percent) => asked.includes(percent));
    return { expected: percents, seen: fired };
  },
  fired_highest: async (percent, { stage }) => ({
    expected: percent,
    seen: Math.max(...(await firedOf(stage)).keys()),
  }),
  not_fired: async (percents, { stage }) => {
    const fired = await firedOf(stage);
    return { expected: [], seen: percents.filter((percent) => fired.has(percent)) };
  },
  fired_count: async (counts, { stage }) => {
    const fired = await firedOf(stage);
    return {
      expected: counts,
      seen: each(Object.keys(counts), (percent) => fired.get(Number(percent)) ?? 0),
    };
  },
  // The hold of a live run is what is left of its budget (B3).
  invariant: async (_, { stage }) => {
    const { budget, costs } = await stage.calls.runOf(roleOf(stage, runOfCosts(stage)));
    const overspend_usd = Math.max(costs.totalUSD - budget.limitUSD, 0);
    return { expected: budget.limitUSD, seen: costs.totalUSD + budget.heldUSD - overspend_usd };
  },
  used_usd: async (used_usd, { stage }) => {
    const role = roleOf(stage, runOfCosts(stage));
    const { budget, costs } = await stage.calls.runOf(role);
    const { cost } = await stage.calls.usageOf(role.tenantId);
    return {
      expected: { ledger: used_usd, budget: used_usd, tenant: used_usd },
      seen: { ledger: costs.totalUSD, budget: budget.spentUSD, tenant: cost.spentUSD },
    };
  },
};

function each<Value>(ids: readonly string[], value: (id: string) => Value): Record<string, Value> {
  return Object.fromEntries(ids.map((id) => [id, value(id)]));
}

function stateIn(states: ReadonlyMap<string, string>, id: string): string {
  return states.get(id) ?? 'not announced';
}

function notStarted(ids: readonly string[], { seen }: Evidence): Sides {
  const isOut = (id: string): boolean => ['refused', 'queued'].includes(stateIn(seen.states, id));
  return {
    expected: each(ids, () => 'refused or waiting'),
    seen: each(ids, (id) => (isOut(id) ? 'refused or waiting' : stateIn(seen.states, id))),
  };
}

function submission({ heard }: Seen, id: string) {
  const found = heard.find((one) => one.submitted === id);
  if (found === undefined) throw new Error(`${id} was not submitted.`);
  return found;
}

function statusesBelow(limit: number, { heard }: Seen): Sides {
  const over = heard.filter(({ answer }) => answer.status >= limit);
  return { expected: [], seen: over.map(({ call, answer }) => `${call}: ${answer.status}`) };
}

/** Alerts of the case's first running task, by threshold, in the order in which they fired. */
async function firedOf(stage: Stage): Promise<ReadonlyMap<number, number>> {
  const counts = new Map<number, number>();
  for (const { type, data } of await stage.calls.eventsOf(roleOf(stage, runOfCosts(stage)))) {
    if (type !== 'budget-alert') continue;
    const threshold = Number(data.threshold);
    counts.set(threshold, (counts.get(threshold) ?? 0) + 1);
  }
  return counts;
}

function runOfCosts({ cast }: Stage): string {
  const [id] = cast.keys();
  if (id === undefined) throw new Error('The case has no run to report costs on.');
  return id;
}
