/** `npm run bench`: what a decision costs, beside what a change of one row costs on the same machine. */

import { type Cell, measureAdmission } from './admission.ts';
import { type LineResult, measureLine } from './line.ts';
import { lineShapes } from './line-shapes.ts';
import { measureMetering } from './metering.ts';
import { type BenchOptions, help, parseCommandLine } from './options.ts';
import { measureOvershoot, type OvershootCell } from './overshoot.ts';
import { reportOf, tablesOf } from './report.ts';
import { measureScoring } from './scoring.ts';
import { withServer } from './server.ts';

async function main(): Promise<void> {
  const command = parseCommandLine(process.argv.slice(2));
  if (command.kind === 'help') {
    process.stdout.write(help);
    return;
  }
  // Metering brings a server of its own, with a stage before it; scoring needs none.
  const decisions = command.parts.some((part) => part !== 'metering' && part !== 'scoring')
    ? await measureDecisions(command)
    : { postgres: null, line: [], admission: [], overshoot: [] };
  const metering = command.parts.includes('metering')
    ? await measureMetering(command.seconds / 30, log)
    : null;
  const report = reportOf(
    decisions.postgres ?? metering?.postgresVersion ?? '',
    decisions.line,
    decisions.admission,
    metering?.cells ?? [],
    decisions.overshoot,
    command.parts.includes('scoring') ? await measureScoring(log) : null,
  );
  process.stdout.write(command.json ? `${JSON.stringify(report)}\n` : tablesOf(report));
}

type Decisions = {
  readonly postgres: string;
  readonly line: readonly LineResult[];
  readonly admission: readonly Cell[];
  readonly overshoot: readonly OvershootCell[];
};

function measureDecisions(command: BenchOptions): Promise<Decisions> {
  return withServer(async (server) => {
    const line: LineResult[] = [];
    for (const shape of lineShapes.filter(({ name }) => command.parts.includes(name))) {
      line.push(await measureLine(server, shape, command, log));
    }
    const admission = command.parts.includes('admission')
      ? await measureAdmission(server, command.seconds / 10, log)
      : [];
    const overshoot = command.parts.includes('overshoot') ? await measureOvershoot(server, log) : [];
    return { postgres: server.version, line, admission, overshoot };
  });
}

function log(line: string): void {
  process.stderr.write(`${line}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
