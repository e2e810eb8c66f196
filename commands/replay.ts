/** `npm run replay`: a workload trace through the real decisions in virtual time. */

import { progress } from './lines.ts';
import { breachCount } from './replay/breaches.ts';
import { help, parseCommandLine } from './replay/options.ts';
import { replay } from './replay/replay.ts';
import { reportOf, tableOf } from './replay/report.ts';
import { withThrowAwayDatabase } from './replay/stage.ts';
import { readTrace } from './replay/trace.ts';

async function main(): Promise<void> {
  const command = parseCommandLine(process.argv.slice(2));
  if (command.kind === 'help') {
    process.stdout.write(help);
    return;
  }
  const tasks = await readTrace(command.path, command.tasks_max);
  const report = await withThrowAwayDatabase(async (database) => {
    const shown = progress('tasks', tasks.length);
    const result = await replay(database, tasks, command.options, shown.tick);
    shown.done();
    return reportOf(database, result, command.options);
  });
  process.stdout.write(command.json ? `${JSON.stringify(report)}\n` : tableOf(report));
  if (breachCount(report.breaches) > 0) process.exitCode = 1;
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
