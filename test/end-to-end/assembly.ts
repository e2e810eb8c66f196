/** The App stack of the local stage, synthesised once for all test files and all runs on the same sources. */

import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { hashOfSources, synthesise } from '../../infra/local-stage.ts';

const folder = path.join(import.meta.dirname, '..', '..', '.local', 'end-to-end');
const kept_ms = 60 * 60 * 1000;

/** Folder of the assembly. Never rewritten once it is there, since a stage loads code from it while it runs. */
export async function sharedAssembly(): Promise<string> {
  await mkdir(folder, { recursive: true });
  const assembly = path.join(folder, `assembly-${(await hashOfSources()).slice(0, 16)}`);
  if (existsSync(assembly)) return assembly;
  await forgetOldAssemblies();
  const draft = await mkdtemp(path.join(folder, 'draft-'));
  await synthesise(draft);
  await rename(path.join(draft, 'assembly'), assembly).catch((error: unknown) => {
    // Another test file was faster.
    if (!existsSync(assembly)) throw error;
  });
  await rm(draft, { recursive: true, force: true });
  return assembly;
}

async function forgetOldAssemblies(): Promise<void> {
  for (const name of await readdir(folder)) {
    const old = path.join(folder, name);
    const { mtimeMs } = await stat(old).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > kept_ms) await rm(old, { recursive: true, force: true });
  }
}
