import { expect, test } from '@jest/globals';
import { invariants, noBreaches } from '../../commands/replay/breaches.ts';
import { byClass } from '../../commands/replay/classes.ts';
import { compare } from '../../commands/replay/comparison.ts';
import { unbounded } from '../../commands/replay/conditions.ts';
import { pageOf } from '../../commands/replay/page/page.ts';
import { linearScale, logScale } from '../../commands/replay/page/svg.ts';
import { reportWith } from './report-of.ts';

const before = reportWith({ conditions: { ...unbounded, pool: { cpu: 40, memoryGb: 80, tasks: null } } });
const after = reportWith({
  preemptions: 2,
  timeline: { ...before.timeline, preemptions: [0, 2, 0] },
  breaches: { ...noBreaches(), pool_over: 3 },
  refusals: { throttled: 7 },
  startEstimate: byClass((number) =>
    number === 1
      ? { queued: 4, estimated: 4, inside: 3, early: 0, late: 1, share: 0.75, medianRangeSeconds: 2.5 }
      : null,
  ),
});
const single = pageOf('trace.jsonl', before, null);
const pair = pageOf('trace.jsonl', before, {
  flags: '--preemption',
  report: after,
  change: compare(before, after),
});

test.each([
  ['one replay', single],
  ['two replays', pair],
])('the page of %s runs nothing and fetches nothing', (_, page) => {
  expect(page).not.toMatch(/<(script|link|img|iframe|object|embed|base)\b/i);
  expect(page).not.toMatch(/\b(src|href|srcset|action)\s*=|url\(|@import|https?:|\bon[a-z]+\s*=/i);
});

test.each([
  ['one replay', single],
  ['two replays', pair],
])('every element of the page of %s is closed', (_, page) => {
  const open: string[] = [];
  for (const [, end, name = '', empty] of page.matchAll(/<(\/?)([a-z][a-z0-9]*)\b[^>]*?(\/?)>/g)) {
    if (empty === '/' || ['meta', 'br'].includes(name)) continue;
    if (end === '') open.push(name);
    else expect(open.pop()).toBe(name);
  }
  expect(open).toEqual([]);
  expect(page).not.toMatch(/NaN|undefined|Infinity/);
});

test('the page says what was run, under which conditions, and names every rule that was checked', () => {
  expect(single).toContain('<h1>Replay of trace.jsonl</h1>');
  expect(single).toContain('pool 40 vCPU, 80 GB; no quota; preemption');
  expect(single).toContain('pool: 40 vCPU');
  for (const name of invariants) expect(single).toContain(`<code>${name}</code>`);
  expect(single).toContain('Nobody was preempted.');
  expect(single).toContain('Nobody was refused.');
});

test('two replays stand side by side, with what is broken in either', () => {
  expect(pair).toContain('<code>--preemption</code>');
  expect(pair.match(/<figcaption>before<\/figcaption>/g)).toHaveLength(5);
  expect(pair.match(/<figcaption>after<\/figcaption>/g)).toHaveLength(5);
  expect(pair).toContain('<td class="good">0</td><td class="bad">3 broken</td>');
  expect(pair).toContain('<code>throttled</code></th><td>0</td><td>7</td>');
  expect(pair).toContain('75.0 %');
});

test('names from outside cannot break out of the page', () => {
  const page = pageOf('<script>alert("x")</script>', before, null);
  expect(page).toContain('&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;');
  expect(page).not.toContain('<script');
});

test('a linear scale ends at a round number and marks round steps', () => {
  const scale = linearScale(44.3, 0, 100);
  expect(scale.ticks.map(({ label }) => label)).toEqual(['0', '10', '20', '30', '40', '50']);
  expect(scale.place(25)).toBe(50);
});

test('a logarithmic scale gives each power of ten the same room, and what is less lies at its start', () => {
  const scale = logScale(0.1, 100, 0, 300);
  expect(scale.ticks.map(({ label }) => label)).toEqual(['≤ 0.1', '1', '10', '100']);
  expect([0, 0.1, 10, 100].map((value) => Math.round(scale.place(value)))).toEqual([0, 0, 200, 300]);
});
