/** `npm start` as a process of its own, which a test can kill. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { type StageFile, stageFile } from '../../commands/stage-file.ts';

const root = path.join(import.meta.dirname, '..', '..');

export type ChildStage = {
  /** What it printed when it was ready. */
  readonly stage: StageFile;
  /** Ends the process without warning; Postgres lives on. */
  readonly killRuntime: () => Promise<void>;
  /** Ctrl-C; answers the exit code. */
  readonly stop: () => Promise<number | null>;
};

/** Starts on a data folder and resolves when the stage is ready. Throws with what it printed when it ends before. */
export async function startChildStage(dataFolder: string): Promise<ChildStage> {
  const child = spawn(
    process.execPath,
    ['commands/start.ts', '--port', '0', '--data', dataFolder, '--json'],
    // Options of the test runner are not for this process.
    { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NODE_OPTIONS: '' } },
  );
  const stage = stageFile.parse(JSON.parse(await firstLine(child)));
  return {
    stage,
    killRuntime: async () => {
      await end(child, 'SIGKILL');
    },
    stop: () => end(child, 'SIGINT'),
  };
}

function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null || child.stderr === null) throw new Error('the stage has no output to read');
  const said: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => said.push(line));
  const lines = createInterface({ input: child.stdout });
  return new Promise((resolve, reject) => {
    lines.once('line', resolve);
    child.once('exit', (code) => reject(new Error(`the stage ended with ${code}:\n${said.join('\n')}`)));
  });
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exit = once(child, 'exit');
  child.kill(signal);
  await exit;
  return child.exitCode;
}
