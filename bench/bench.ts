/** `npm run bench`: what a decision costs, beside what a change of one row costs on the same machine. */

import { measureAdmission } from './admission.ts';
import { type LineResult, measureLine } from './line.ts';
import { lineShapes } from './line-shapes.ts';
import { help, parseCommandLine } from './options.ts';
import { measureOvershoot } from './overshoot.ts';
import { reportOf, tablesOf } from './report.ts';
import { withServer } from './server.ts';

async function main(): Promise<void> {
  const command = parseCommandLine(process.argv.slice(2));
  if (command.kind === 'help') {
    process.stdout.write(help);
    return;
  }
  const report = await withServer(async (server) => {
    const line: LineResult[] = [];
    for (const shape of lineShapes.filter(({ name }) => command.parts.includes(name))) {
      line.push(await measureLine(server, shape, command, log));
    }
    const admission = command.parts.includes('admission')
      ? await measureAdmission(server, command.seconds / 10, log)
      : [];
    const overshoot = command.parts.includes('overshoot') ? await measureOvershoot(server, log) : [];
    return { ...reportOf(server.version, line, admission), overshoot };
  });
  process.stdout.write(command.json ? `${JSON.stringify(report)}\n` : tablesOf(report));
}

function log(line: string): void {
  process.stderr.write(`${line}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
