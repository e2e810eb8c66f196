/** The App stack of the local stage, synthesised once for all test files and all runs on the same sources. */

import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { hashOfSources, synthesise } from '../../infra/local-stage.ts';

const folder = path.join(import.meta.dirname, '..', '..', '.local', 'end-to-end');
/** Longer than any synthesis takes, and any test run. */
const kept_ms = 60 * 60 * 1000;
const synthesisMax_ms = 120_000;
const poll_ms = 100;

/** Folder of the assembly. Never rewritten once it is there, since a stage loads code from it while it runs. */
export async function sharedAssembly(): Promise<string> {
  await mkdir(folder, { recursive: true });
  const assembly = path.join(folder, `assembly-${(await hashOfSources()).slice(0, 16)}`);
  const draft = `${assembly}.draft`;
  const deadline_ms = Date.now() + synthesisMax_ms;
  while (!existsSync(assembly)) {
    if (await isMineToMake(draft)) {
      await forgetOlderThan(kept_ms);
      await synthesise(draft);
      await rename(path.join(draft, 'assembly'), assembly);
      await rm(draft, { recursive: true });
    } else if (Date.now() > deadline_ms) {
      throw new Error(`${draft} is not finished; if nothing works on it any more, remove it`);
    } else {
      await delay(poll_ms);
    }
  }
  return assembly;
}

/** One test file makes the draft; the others wait for it. */
async function isMineToMake(draft: string): Promise<boolean> {
  if ((await age_ms(draft)) > synthesisMax_ms) await rm(draft, { recursive: true, force: true });
  return mkdir(draft).then(
    () => true,
    () => false,
  );
}

async function forgetOlderThan(limit_ms: number): Promise<void> {
  for (const name of await readdir(folder)) {
    const entry = path.join(folder, name);
    if ((await age_ms(entry)) > limit_ms) await rm(entry, { recursive: true, force: true });
  }
}

/** Zero for what is not there. */
async function age_ms(entry: string): Promise<number> {
  const status = await stat(entry).catch(() => undefined);
  return status === undefined ? 0 : Date.now() - status.mtimeMs;
}
