/** Runs some test files of a copy of the project, and tells what came of each test. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';

export type JestRun = {
  readonly passed: number;
  /** File and full name, in the order of the files asked for and of the tests in them. */
  readonly failed: readonly string[];
  /** Files that could not be loaded, with the reason. */
  readonly unloadable: readonly string[];
};

/** As much as is needed of what `jest --json` writes. */
const jestReport = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      message: z.string(),
      status: z.string(),
      assertionResults: z.array(z.object({ fullName: z.string(), status: z.string() })),
    }),
  ),
});

/**
 * @param folder of the project's copy
 * @param files below it
 * @throws Error when Jest ends without a report, with the end of what it said
 */
export async function runJest(folder: string, files: readonly string[]): Promise<JestRun> {
  const reportFile = path.join(folder, '.local', 'jest.json');
  rmSync(reportFile, { force: true });
  const jest = path.join(folder, 'node_modules', 'jest', 'bin', 'jest.js');
  const child = spawn(
    process.execPath,
    [
      jest,
      '--rootDir',
      folder,
      '--cacheDirectory',
      path.join(folder, '.local', 'jest-cache'),
      '--json',
      '--outputFile',
      reportFile,
      '--runTestsByPath',
      ...files,
    ],
    {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        ...process.env,
        LOG_LEVEL: 'silent',
        NODE_OPTIONS: '--experimental-vm-modules --no-warnings',
      },
    },
  );
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    said = (said + chunk).slice(-2000);
  });
  await once(child, 'close');
  if (!existsSync(reportFile)) throw new Error(`Jest ended without a report:\n${said}`);
  const { testResults } = jestReport.parse(JSON.parse(readFileSync(reportFile, 'utf8')));
  const results = testResults
    .map((result) => ({ ...result, file: path.relative(folder, result.name) }))
    .sort((a, b) => files.indexOf(a.file) - files.indexOf(b.file));
  const tests = results.flatMap(({ file, assertionResults }) =>
    assertionResults.map(({ fullName, status }) => ({ name: `${path.basename(file)}: ${fullName}`, status })),
  );
  return {
    passed: tests.filter(({ status }) => status === 'passed').length,
    failed: tests.filter(({ status }) => status === 'failed').map(({ name }) => name),
    unloadable: results
      .filter(({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0)
      .map(({ file, message }) => `${file}: ${message.slice(0, 500)}`),
  };
}
