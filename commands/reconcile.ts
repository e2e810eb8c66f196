/** `npm run reconcile`: finds counters that do not equal the rows they count, and repairs them (R5). */

import path from 'node:path';
import { parseArgs } from 'node:util';
import { type Drift, reconcile } from '../shared/admission/reconcile.ts';
import { openDatabase } from '../shared/platform/db.ts';
import { readStageFile, stageFileOf } from './stage-file.ts';

/** A look reads every row there is: some 10 s for 100,000 runs on two busy cores. */
const statementTimeout_ms = 600_000;

/** After that long somebody who watches is told what takes the time. */
const patience_ms = 2000;

const help = `Usage: npm run reconcile [-- --repair] [--json] [--data DIR]

Recomputes every counter (quota held, room in use, money held and spent, live tasks, status, sequences, burst marks, the
usage ledger) from the rows that it counts, and says which differ. Looking changes nothing and holds nobody up.

  --repair    also sets them right, all in one transaction; kept on record in the table reconciliations
  --json      one JSON object: {"drift": [{"what", "tenantId", "runId", "taskId", "part", "counter", "stored", "derived",
              "repaired"}], "repaired", "left"}; the values are text, so that they stay exact
  --data DIR  data folder of the stage that npm start runs (default .local/data)
  --help      this text

The database is that of DATABASE_URL if it is set, else of the stage on the data folder.
Exits 1 when drift was found and not repaired, or when the database cannot be reached.
`;

/** The whole answer in words, without a last line break. */
export function reportOf(drift: readonly Drift[], repair: boolean): string {
  if (drift.length === 0) return 'No drift: every counter equals the rows that it counts.';
  const left = drift.filter(({ repaired }) => !repaired).length;
  return [...drift.map(lineOf), '', summaryOf(drift.length, left, repair)].join('\n');
}

function summaryOf(found: number, left: number, repair: boolean): string {
  const counters = found === 1 ? '1 counter differs' : `${found} counters differ`;
  if (!repair) return `${counters}; nothing was changed. To repair: npm run reconcile -- --repair`;
  if (left === 0) return `${counters.replace('differ', 'differed')}; repaired, and on record.`;
  return `${counters}; ${left} could not be repaired. Please run it again, and if it stays, look at those rows.`;
}

function lineOf(drift: Drift): string {
  const change = drift.repaired ? 'was' : 'is';
  const rows = drift.repaired ? 'repaired to what its rows say' : 'its rows say';
  return `${placeOf(drift)}: ${drift.counter} ${change} ${shown(drift.stored)}, ${rows}: ${shown(drift.derived)}`;
}

const shown = (text: string | null): string => text ?? 'nothing';

function placeOf({ what, tenantId, runId, taskId, part }: Drift): string {
  const more = part === null ? '' : `, ${part}`;
  switch (what) {
    case 'pool':
      return 'pool';
    case 'tenants':
      return `tenant ${tenantId}`;
    case 'runs':
      return `run ${runId} of tenant ${tenantId}`;
    case 'tasks':
      return `task ${taskId} of tenant ${tenantId}`;
    case 'burst_marks':
      return `burst marks of tenant ${tenantId}`;
    case 'tenant_usage':
      return `usage ledger of run ${runId} of tenant ${tenantId}`;
    default:
      return `${what} of tenant ${tenantId}${more}`;
  }
}

/** @throws Error saying what to do when neither the environment nor the folder names a database */
export async function databaseUrlOf(
  dataFolder: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const url = environment.DATABASE_URL ?? (await readStageFile(dataFolder))?.databaseUrl;
  if (url !== undefined && url !== '') return url;
  throw new Error(
    `No database: DATABASE_URL is not set, and no stage runs here (there is no ${stageFileOf(dataFolder)}). ` +
      'Start one with npm start, or set DATABASE_URL.',
  );
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      repair: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      data: { type: 'string', default: path.join(import.meta.dirname, '..', '.local', 'data') },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return;
  }
  const connectionString = await databaseUrlOf(path.resolve(values.data), process.env);
  const database = openDatabase({ connectionString, statementTimeout_ms });
  const slow = setTimeout(() => process.stderr.write('Reading all rows …\n'), patience_ms);
  try {
    const drift = await reconcile(database, values, new Date());
    const left = drift.filter(({ repaired }) => !repaired).length;
    const answer = values.json
      ? JSON.stringify({ drift, repaired: drift.length - left, left })
      : reportOf(drift, values.repair);
    process.stdout.write(`${answer}\n`);
    if (left > 0) process.exitCode = 1;
  } finally {
    clearTimeout(slow);
    await database.close();
  }
}

if (import.meta.main) {
  main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}
