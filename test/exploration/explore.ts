/** Runs the random tests with one seed after another, until one fails or the time is over: what `npm test` does not draw. */

import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { parseArgs } from 'node:util';

const help = `Usage: npm run explore -- [--minutes N] [FILES]...

Runs random tests again and again, each time with another seed, until one fails or the time is over.

  --minutes N  how long (default: 10); the round that is under way is finished
  FILES        patterns of test files (default: property)
  --help       this text

Exits 1 when a test failed; its seed is in the last line.
`;

/** @returns the exit code of the tests */
async function runWith(seed: number, files: readonly string[]): Promise<number> {
  const child = spawn('npm', ['test', '--silent', '--', ...files], {
    stdio: 'inherit',
    env: { ...process.env, TEST_SEED: String(seed) },
  });
  const [code] = await once(child, 'close');
  return code ?? 1;
}

async function explore(minutes: number, files: readonly string[]): Promise<number> {
  const end_ms = performance.now() + minutes * 60_000;
  for (let round = 1; performance.now() < end_ms; round += 1) {
    const seed = randomInt(0, 2 ** 31);
    console.log(`round ${round}: TEST_SEED=${seed}`);
    if ((await runWith(seed, files)) !== 0) {
      console.log(`A test failed. Again: TEST_SEED=${seed} npm test -- ${files.join(' ')}`);
      return 1;
    }
  }
  return 0;
}

const { values, positionals } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, help: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const minutes = Number(values.minutes);
if (values.help) {
  process.stdout.write(help);
} else if (!(minutes > 0)) {
  console.error(`--minutes: ${values.minutes} is not a number above 0. See npm run explore -- --help`);
  process.exitCode = 2;
} else {
  process.exitCode = await explore(minutes, positionals.length > 0 ? positionals : ['property']);
}
