/** `npm run replay`: a workload trace through the real decisions in virtual time; the operator's what-if tool. */

import { writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { progress } from './lines.ts';
import { breachCount } from './replay/breaches.ts';
import { compare, type WhatIfReport } from './replay/comparison.ts';
import { type ConditionsAsked, conditionsFor } from './replay/conditions.ts';
import { type CommandLine, help, parseCommandLine } from './replay/options.ts';
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
  const tasks = stretched(await readTrace(command.path, command.tasks_max), command.stretch);
  const trace = { file: basename(command.path), stretch: command.stretch };
  const report = await replayUnder(command.conditions, tasks);
  const whatIf = await whatIfReport(command.whatIf, report, tasks);
  if (command.reportPath !== null) {
    await writeFile(command.reportPath, pageOf(nameOf(trace), report, whatIf));
  }
  const document = whatIf === null ? { trace, ...report } : { trace, ...report, whatIf };
  process.stdout.write(command.json ? `${JSON.stringify(document)}\n` : tableOf(report, whatIf));
  if (breachCount(report.breaches) + (whatIf === null ? 0 : breachCount(whatIf.report.breaches)) > 0) {
    process.exitCode = 1;
  }
}

function nameOf({ file, stretch }: { readonly file: string; readonly stretch: number }): string {
  return stretch === 1 ? file : `${file}, ${stretch} times as long`;
}

async function whatIfReport(
  whatIf: Extract<CommandLine, { kind: 'replay' }>['whatIf'],
  before: Report,
  tasks: readonly TracedTask[],
): Promise<WhatIfReport | null> {
  if (whatIf === null) return null;
  const after = await replayUnder(whatIf.conditions, tasks);
  return { flags: whatIf.flags, report: after, change: compare(before, after) };
}

function replayUnder(asked: ConditionsAsked, tasks: readonly TracedTask[]): Promise<Report> {
  const conditions = conditionsFor(asked, tasks);
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
