import { setTimeout as delay } from 'node:timers/promises';

const patience_ms = 20_000;
const poll_ms = 25;

/** Waits until a condition holds that nothing announces. Throws, naming it, when it does not in time. */
export async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline_ms = Date.now() + patience_ms;
  while (!(await holds())) {
    if (Date.now() > deadline_ms) throw new Error(`waited ${patience_ms / 1000} s for ${what}`);
    await delay(poll_ms);
  }
}
