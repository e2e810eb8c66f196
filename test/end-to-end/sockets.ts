/** Where processes of this machine listen, as Linux tells. */

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const listening = '0A';
/** 127.0.0.1, and ::1 with ::ffff:127.0.0.1, as /proc writes them: little-endian words in hex. */
const loopback = /^(0100007F|00000000000000000000000001000000|0000000000000000FFFF00000100007F)$/;

/** Addresses, as /proc writes them, on which the processes accept connections from beyond this machine. */
export function publicListeners(pids: readonly number[]): string[] {
  const inodes = new Set(pids.flatMap(socketsOf));
  return ['/proc/net/tcp', '/proc/net/tcp6']
    .flatMap((file) => readFileSync(file, 'utf8').trim().split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , state, , , , , , inode = '']) => state === listening && inodes.has(inode))
    .map(([, address = '']) => address)
    .filter((address) => !loopback.test(address.split(':')[0] ?? ''));
}

function socketsOf(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((name) => {
    try {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(readlinkSync(`${folder}/${name}`)) ?? [];
      return inode === undefined ? [] : [inode];
    } catch {
      // Closed since the folder was read.
      return [];
    }
  });
}
