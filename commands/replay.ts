/** `npm run replay`: a workload trace through the real decisions in virtual time; the operator's what-if tool. */

import { access, constants, writeFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { progress } from './lines.ts';
import { breachCount, noBreaches } from './replay/breaches.ts';
import { compare, type WhatIfReport } from './replay/comparison.ts';
import { type Conditions, conditionsFor } from './replay/conditions.ts';
import { help, parseCommandLine } from './replay/options.ts';
import { pageOf } from './replay/page/page.ts';
import { replay } from './replay/replay.ts';
import { type Report, reportOf } from './replay/report.ts';
import { withThrowAwayDatabase } from './replay/stage.ts';
import { tableOf } from './replay/table.ts';
import { readTrace, stretched, type TracedTask } from './replay/trace.ts';

async function main(): Promise<void> {
  const command = parseCommandLine(process.argv.slice(2));
  if (command.kind === 'help') {
    process.stdout.write(help);
    return;
  }
  const { path, reportPath, whatIf } = command;
  const tasks = stretched(await readTrace(path, command.tasks_max), command.stretch);
  const trace = { file: basename(path), stretch: command.stretch };
  // Whatever is wrong with the call is said now and not after minutes of work.
  if (reportPath !== null) await mustBeWritable(reportPath);
  const conditions = conditionsFor(command.conditions, tasks);
  const changed = whatIf === null ? null : { ...whatIf, conditions: conditionsFor(whatIf.conditions, tasks) };

  const before = await replayUnder(conditions, tasks);
  const after = changed === null ? null : await whatIfReport(changed, before, tasks);
  const document = after === null ? { trace, ...before } : { trace, ...before, whatIf: after };
  process.stdout.write(command.json ? `${JSON.stringify(document)}\n` : tableOf(before, after));
  if (reportPath !== null) await writeFile(reportPath, pageOf(nameOf(trace), before, after));
  if (breachCount(before.breaches) + breachCount(after?.report.breaches ?? noBreaches()) > 0)
    process.exitCode = 1;
}

/** @throws Error naming the folder when the page cannot be put there */
async function mustBeWritable(reportPath: string): Promise<void> {
  const folder = dirname(reportPath);
  await access(folder, constants.W_OK).catch((error: unknown) => {
    throw new Error(`--report: cannot write in ${folder}; name a file in a folder that exists.`, {
      cause: error,
    });
  });
}

function nameOf({ file, stretch }: { readonly file: string; readonly stretch: number }): string {
  return stretch === 1 ? file : `${file}, ${stretch} times as long`;
}

async function whatIfReport(
  { flags, conditions }: { readonly flags: string; readonly conditions: Conditions },
  before: Report,
  tasks: readonly TracedTask[],
): Promise<WhatIfReport> {
  const report = await replayUnder(conditions, tasks);
  return { flags, report, change: compare(before, report) };
}

function replayUnder(conditions: Conditions, tasks: readonly TracedTask[]): Promise<Report> {
  return withThrowAwayDatabase(async (database) => {
    const shown = progress('tasks', tasks.length);
    const result = await replay(database, tasks, conditions, shown.tick);
    shown.done();
    return reportOf(database, result, conditions);
  });
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
