/**
 * Breaks the rules of `mutations.ts` one after another in a copy of the project, and runs the tests that ought to notice:
 * a test that passes whatever the code does is worth nothing.
 */

import { parseArgs } from 'node:util';
import { type JestRun, runJest } from './jest-run.ts';
import { type Mutation, mutations } from './mutations.ts';
import { copyProject, mutated, type ProjectCopy, textOf } from './project-copy.ts';

const help = `Usage: npm run mutate -- [--only NAME]... [--json]

Copies the project to a temporary folder, sees that the chosen tests pass there, then breaks one rule at a time and runs
the tests that ought to notice.

  --only NAME  only this one; may be repeated
  --json       [{"name", "rule", "broken", "file", "outcome", "noticedBy", "failed", "passed", "seconds"}]
               (default: a table)
  --help       this text

outcome: noticed = a test failed and another passed; survived = none failed; unusable = none passed, so that the tests
noticed no more than a project that does not run.

Exits 1 unless every rule that was broken was noticed, and when a text to be replaced is not in its file exactly once.

${mutations.map(({ name, rule, broken }) => `  ${name.padEnd(22)}${rule.padEnd(5)}${broken}`).join('\n')}
`;

type Result = {
  readonly name: string;
  readonly rule: string;
  readonly broken: string;
  readonly file: string;
  readonly outcome: 'noticed' | 'survived' | 'unusable';
  /** The first test that failed, or why none could be run. */
  readonly noticedBy: string | null;
  readonly failed: number;
  readonly passed: number;
  readonly seconds: number;
};

async function resultOf(mutation: Mutation, copy: ProjectCopy): Promise<Result> {
  const { name, rule, broken, file, tests } = mutation;
  const startedAt_ms = performance.now();
  const restore = copy.break(mutation);
  try {
    const run = await runJest(copy.folder, tests);
    return {
      name,
      rule,
      broken,
      file,
      outcome: outcomeOf(run),
      noticedBy: run.unloadable[0] ?? run.failed[0] ?? null,
      failed: run.failed.length,
      passed: run.passed,
      seconds: Math.round((performance.now() - startedAt_ms) / 100) / 10,
    };
  } finally {
    restore();
  }
}

function outcomeOf({ passed, failed, unloadable }: JestRun): Result['outcome'] {
  if (unloadable.length > 0 || passed === 0) return 'unusable';
  return failed.length > 0 ? 'noticed' : 'survived';
}

/** @throws Error when tests fail in a project that is not broken */
async function checkUnbroken(chosen: readonly Mutation[], copy: ProjectCopy): Promise<void> {
  const { failed, unloadable } = await runJest(copy.folder, [
    ...new Set(chosen.flatMap(({ tests }) => tests)),
  ]);
  const wrong = [...unloadable, ...failed];
  if (wrong.length > 0) throw new Error(`These fail though nothing is broken:\n${wrong.join('\n')}`);
}

function table(results: readonly Result[]): string {
  const rows = [
    ['rule', 'broken so that', 'noticed first by', 'failed', 'seconds'],
    ['---', '---', '---', '---', '---'],
    ...results.map(({ rule, broken, outcome, noticedBy, failed, seconds }) => [
      rule,
      broken,
      outcome === 'noticed' ? (noticedBy ?? '') : `${outcome.toUpperCase()} ${noticedBy ?? ''}`.trim(),
      String(failed),
      seconds.toFixed(1),
    ]),
  ];
  return rows.map((row) => `| ${row.join(' | ')} |\n`).join('');
}

function chosenBy(names: readonly string[]): readonly Mutation[] {
  const unknown = names.find((name) => !mutations.some((mutation) => mutation.name === name));
  if (unknown !== undefined) throw new Error(`There is no mutation ${unknown}.\n\n${help}`);
  return names.length === 0 ? mutations : mutations.filter(({ name }) => names.includes(name));
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true },
      json: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return;
  }
  const chosen = chosenBy(values.only ?? []);
  for (const mutation of chosen) mutated(mutation, textOf(mutation));
  // Ctrl-C reaches Jest too, which then leaves no report: the copy is removed on the way out.
  process.once('SIGINT', () => {});
  const copy = copyProject();
  try {
    process.stderr.write('Unbroken ...\n');
    await checkUnbroken(chosen, copy);
    const results: Result[] = [];
    for (const mutation of chosen) {
      const result = await resultOf(mutation, copy);
      process.stderr.write(`${result.outcome} ${mutation.rule} ${mutation.name}, ${result.seconds} s\n`);
      results.push(result);
    }
    process.stdout.write(values.json ? `${JSON.stringify(results, null, 2)}\n` : table(results));
    if (results.some(({ outcome }) => outcome !== 'noticed')) process.exitCode = 1;
  } finally {
    copy.remove();
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
