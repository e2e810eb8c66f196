/** Postgres refuses to run as root: this finds the account that runs it instead, and folders that it can reach. */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

export type RunAs = { name: string; uid: number; gid: number };

const accountName = 'postgres';

/** The account to run Postgres as, made when the machine has none; undefined when we are not root. */
export function accountForPostgres(): RunAs | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const existing = lookUp();
  if (existing) return existing;
  for (const [command, ...args] of [
    ['groupadd', '--system', accountName],
    ['useradd', '--system', '--gid', accountName, '--no-create-home', accountName],
  ] as const) {
    // A group of that name may be there already; useradd's own failure shows below.
    spawnSync(command, args);
  }
  const made = lookUp();
  if (made) return made;
  throw new Error(
    `Postgres cannot run as root, and the user ${accountName} could not be made: ` +
      'create it with useradd, or run as another user',
  );
}

/** Whether the account can run that program to its end. */
export function canRun({ uid, gid }: RunAs, program: string, args: readonly string[]): boolean {
  return spawnSync(program, args, { uid, gid, cwd: '/', stdio: 'ignore' }).status === 0;
}

/**
 * Makes `wanted` and answers it; when the account cannot reach it, a folder below the temporary one that always
 * stands for the same `wanted`, and `log` says so.
 */
export function reachableFolder(
  wanted: string,
  runAs: RunAs | undefined,
  log: (line: string) => void,
): string {
  mkdirSync(wanted, { recursive: true });
  if (runAs === undefined) return wanted;
  if (isReachable(wanted, runAs)) return wanted;
  const key = createHash('sha256').update(path.resolve(wanted)).digest('hex').slice(0, 12);
  const folder = ownedFolder(path.join(tmpdir(), `mothership-postgres-${key}`));
  if (!isReachable(folder, runAs)) throw new Error(`${runAs.name} can reach neither ${wanted} nor ${folder}`);
  log(`Postgres runs as ${runAs.name}, who cannot reach ${wanted}: its data is in ${folder}`);
  return folder;
}

/** Makes a folder below a shared one; throws when somebody else was there first. */
export function ownedFolder(folder: string): string {
  mkdirSync(folder, { recursive: true });
  const status = lstatSync(folder);
  if (!status.isDirectory() || status.uid !== process.getuid?.()) {
    throw new Error(`${folder} belongs to somebody else; remove it`);
  }
  chmodSync(folder, 0o755);
  return folder;
}

function isReachable(folder: string, { uid, gid }: RunAs): boolean {
  return spawnSync('test', ['-x', folder], { uid, gid, cwd: '/' }).status === 0;
}

function lookUp(): RunAs | undefined {
  const [uid, gid] = ['-u', '-g'].map((flag) => spawnSync('id', [flag, accountName], { encoding: 'utf8' }));
  if (uid === undefined || gid === undefined || uid.status !== 0 || gid.status !== 0) return undefined;
  return { name: accountName, uid: Number(uid.stdout), gid: Number(gid.stdout) };
}
