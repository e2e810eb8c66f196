/** A copy of the project, to be broken one text at a time. */

import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Mutation } from './mutations.ts';

export const projectFolder = path.join(import.meta.dirname, '..', '..');

export type ProjectCopy = {
  readonly folder: string;
  /** Applies a mutation; the function that it returns takes it back. */
  readonly break: (mutation: Mutation) => () => void;
  readonly remove: () => void;
};

/**
 * Copies every file that git has or would take to a temporary folder, and links `node_modules`.
 *
 * @throws Error outside a git checkout
 */
export function copyProject(): ProjectCopy {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'mothership-mutation-')));
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: projectFolder,
    encoding: 'utf8',
  });
  for (const file of listed.split('\0').filter((name) => name !== '')) {
    const from = path.join(projectFolder, file);
    // Removed, and the removal not yet committed; or a link to a folder, which `node_modules` may be.
    if (!statSync(from, { throwIfNoEntry: false })?.isFile()) continue;
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    copyFileSync(from, path.join(folder, file));
  }
  symlinkSync(path.join(projectFolder, 'node_modules'), path.join(folder, 'node_modules'), 'dir');
  return {
    folder,
    break(mutation) {
      const file = path.join(folder, mutation.file);
      const whole = readFileSync(file, 'utf8');
      writeFileSync(file, mutated(mutation, whole));
      return () => writeFileSync(file, whole);
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** The mutation's file in the project itself. */
export function textOf(mutation: Mutation): string {
  return readFileSync(path.join(projectFolder, mutation.file), 'utf8');
}

/**
 * @param text of the mutation's file
 * @throws Error when what the mutation replaces does not stand there exactly once
 */
export function mutated({ name, file, find, replacement }: Mutation, text: string): string {
  const [before, after, ...more] = text.split(find);
  if (before === undefined || after === undefined || more.length > 0) {
    const times = text.split(find).length - 1;
    throw new Error(
      `${name}: its text is ${times} times in ${file}, not once; say in test/mutation/mutations.ts what to break there now`,
    );
  }
  return before + replacement + after;
}
