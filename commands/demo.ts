/** `npm run demo`: a story to watch, against the stage that `npm start` runs. */

import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs, styleText } from 'node:util';
import { lineOf } from './demo/event-line.ts';
import { findStage } from './demo/find-stage.ts';
import { type Audience, shownEvents, tellStory } from './demo/story.ts';

/** Time to read a line. */
const pause_ms = 600;

const help = `npm run demo -- [--data DIR] [--fast] [--json]

With npm start running, tells in half a minute what Mothership does: two tenants share a pool, a P0 run preempts a
P3 task, a budget crosses 50, 80 and 95 %, a tenant is throttled and a plan is rejected. Everything is real: calls
over HTTP, events and doorbells over queues. Ends with how many of each event came, and fails when one did not.

  --data DIR   data folder of npm start (default .local/data); ignored when MOTHERSHIP_URL and what else
               npm start -- --print-env writes is in the environment
  --fast       no pauses for reading; so it is anyway when the output is no terminal
  --json       prints {ok, seconds, events: {name: count}, error?} instead; the story goes to standard error
  --help       this text

Makes two tenants of its own each time and puts the pool back as it was.`;

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: path.join(import.meta.dirname, '..', '.local', 'data') },
    fast: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) {
  console.log(help);
} else {
  process.exitCode = await main();
}

/** Answers the exit code. */
async function main(): Promise<number> {
  const start_ms = performance.now();
  const stopping = new AbortController();
  process.once('SIGINT', () => stopping.abort(new Error('interrupted')));
  let events: Record<string, number> = {};
  let error: string | undefined;
  try {
    const stage = await findStage(path.resolve(values.data), process.env);
    const counts = await tellStory(stage, audience(), stopping.signal);
    events = Object.fromEntries(shownEvents.map((name) => [name, counts.get(name) ?? 0]));
  } catch (failure) {
    error = failure instanceof Error ? failure.message : String(failure);
  }
  const seconds = Math.round((performance.now() - start_ms) / 100) / 10;
  const ok = error === undefined && shownEvents.every((name) => (events[name] ?? 0) > 0);
  if (values.json)
    console.log(JSON.stringify({ ok, seconds, events, ...(error !== undefined && { error }) }));
  else if (error === undefined) console.log(tableOf(events, seconds));
  if (error !== undefined) console.error(error);
  return ok ? 0 : 1;
}

function audience(): Audience {
  const stream = values.json ? process.stderr : process.stdout;
  const print = (line: string): void => void stream.write(`${line}\n`);
  let scenes = 0;
  return {
    scene: (title) => print(styleText('bold', `\n${++scenes}  ${title}`, { stream })),
    say: async (line) => {
      print(`   ${line}`);
      if (stream.isTTY && !values.fast) await delay(pause_ms);
    },
    event: (event) => print(styleText('dim', `      ⇠ ${lineOf(event)}`, { stream })),
  };
}

function tableOf(events: Readonly<Record<string, number>>, seconds: number): string {
  const rows = Object.entries(events).map(
    ([name, count]) => `   ${name.padEnd(24)}${String(count).padStart(5)}`,
  );
  return `\n   ${'event'.padEnd(24)} seen\n${rows.join('\n')}\n\nTold in ${seconds} s; the pool is as it was before.`;
}
