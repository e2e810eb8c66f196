/** Postgres server processes as their data folder describes them, and an end for those that lost their parent. */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** How long a fast shutdown may take before the server is ended at once, which only costs it a recovery. */
const fastShutdownMs = 10_000;
/** Postgres itself kills those of its processes that take longer than 5 s. */
const immediateShutdownMs = 6_000;

type ServerStatus = { pid: number; ready: boolean };

/** What `postmaster.pid` says; undefined when there is none. */
export function readStatus(clusterFolder: string): ServerStatus | undefined {
  const text = readIfThere(pidFile(clusterFolder));
  if (text === undefined) return undefined;
  // Line 1 is the process id, line 8 the state, as pg_ctl reads them.
  const lines = text.split('\n');
  return { pid: Number(lines[0]), ready: lines[7]?.trim() === 'ready' };
}

/** Notes that this process looks after the server. */
export function claim(folder: string): void {
  writeFileSync(supervisorFile(folder), String(process.pid));
}

/**
 * Clears the way for a new server: ends one whose parent was killed, removes what a dead one left behind.
 * Throws when a server of this folder still has a living parent.
 */
export async function endStaleServer(
  folder: string,
  clusterFolder: string,
  log: (line: string) => void,
): Promise<void> {
  const status = readStatus(clusterFolder);
  if (status === undefined) return;
  if (!isServerOf(status.pid, clusterFolder)) {
    rmSync(pidFile(clusterFolder), { force: true });
    return;
  }
  const supervisor = Number(
    existsSync(supervisorFile(folder)) ? readFileSync(supervisorFile(folder), 'utf8') : 0,
  );
  if (supervisor > 0 && parentOf(status.pid) === supervisor) {
    throw new Error(`${folder} is in use by process ${supervisor}: stop it, or choose another data folder`);
  }
  log(`ending the Postgres server ${status.pid}, whose parent is gone`);
  await endProcess(status.pid);
}

/** Fast shutdown, and an immediate one when that takes too long; resolves when the process is gone. */
export async function endProcess(pid: number): Promise<void> {
  signal(pid, 'SIGINT');
  if (await isGoneWithin(pid, fastShutdownMs)) return;
  signal(pid, 'SIGQUIT');
  if (!(await isGoneWithin(pid, fastShutdownMs))) throw new Error(`the Postgres server ${pid} does not end`);
}

/** Immediate shutdown of whatever server has this cluster, for a process that is exiting: blocks until it is done. */
export function endAtOnce(clusterFolder: string): void {
  const status = readStatus(clusterFolder);
  if (status === undefined || !isServerOf(status.pid, clusterFolder)) return;
  signal(status.pid, 'SIGQUIT');
  const deadlineMs = Date.now() + immediateShutdownMs;
  const never = new Int32Array(new SharedArrayBuffer(4));
  // A child that nobody waits for keeps its process id, so its end shows in the last thing that it does.
  while (readStatus(clusterFolder) !== undefined && Date.now() < deadlineMs) Atomics.wait(never, 0, 0, 5);
}

function isServerOf(pid: number, clusterFolder: string): boolean {
  return describe(pid, 'args').includes(clusterFolder);
}

function parentOf(pid: number): number {
  return Number(describe(pid, 'ppid'));
}

/** Empty when there is no such process. */
function describe(pid: number, field: 'args' | 'ppid'): string {
  const proc = `/proc/${pid}`;
  // Small images have no ps, other systems no /proc.
  if (!existsSync('/proc/self/stat')) {
    return spawnSync('ps', ['-p', String(pid), '-o', `${field}=`], { encoding: 'utf8' }).stdout ?? '';
  }
  if (field === 'args') return readIfThere(path.join(proc, 'cmdline'))?.replaceAll('\0', ' ') ?? '';
  return /^PPid:\s*(\d+)/m.exec(readIfThere(path.join(proc, 'status')) ?? '')?.[1] ?? '';
}

async function isGoneWithin(pid: number, timeoutMs: number): Promise<boolean> {
  const deadlineMs = Date.now() + timeoutMs;
  while (signal(pid, 0)) {
    if (Date.now() > deadlineMs) return false;
    await delay(20);
  }
  return true;
}

/** False when there is no such process. */
function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false;
  }
}

/** The server may remove its file at any moment, so looking first would not do. */
function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function pidFile(clusterFolder: string): string {
  return path.join(clusterFolder, 'postmaster.pid');
}

function supervisorFile(folder: string): string {
  return path.join(folder, 'supervisor.pid');
}
