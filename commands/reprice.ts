/** `npm run reprice`: prices recorded usage again and books the differences as corrections (B2). */

import path from 'node:path';
import { parseArgs } from 'node:util';
import { type RepricingAnswer, repricingRequest } from '../shared/budget/price-contract.ts';
import { repriceBatch } from '../shared/budget/repricing.ts';
import { type Database, openDatabase } from '../shared/platform/db.ts';
import { fieldErrors } from '../shared/platform/http-input.ts';
import { sumUsd } from '../shared/platform/money.ts';
import { progress } from './lines.ts';
import { databaseUrlOf } from './reconcile.ts';

const help = `Usage: npm run reprice -- --from TIME --to TIME [--tenant ID] [--model NAME] [--book --reason TEXT]
                          [--json] [--data DIR]

Prices the usage of recorded cost events again at the prices in force now (the operator's table, then the price library,
each by the event's own date) and says what they would cost more or less. Events whose cost was stated are left alone.

  --from TIME    events that occurred from then on, ISO 8601 with a zone
  --to TIME      and before then
  --tenant ID    of one tenant
  --model NAME   of one model, named as in the events
  --book         books each difference as one correction event beside its event; nothing is ever changed. What is
                 booked already is not booked again, so that it may be stopped and repeated at any time
  --reason TEXT  why; kept on record in the table repricings. Needed with --book
  --json         one JSON object: {"examined", "corrected", "unchanged", "differenceUSD", "runs": [{"tenantId",
                 "runId", "corrected", "differenceUSD"}], "unpriced": [{"tenantId", "runId", "eventId", "message"}]}
  --data DIR     data folder of the stage that npm start runs (default .local/data)
  --help         this text

The database is that of DATABASE_URL if it is set, else of the stage on the data folder.
Exits 1 when events have no price any more, or when the database cannot be reached.
`;

type Total = Pick<
  RepricingAnswer,
  'examined' | 'corrected' | 'unchanged' | 'unpriced' | 'differenceUSD' | 'runs'
>;
type RunTotal = RepricingAnswer['runs'][number];

/** Batch after batch until none is left; the sums over all of them. @throws StoreUnavailable */
export async function repriceAll(
  database: Database,
  asked: Readonly<Record<string, unknown>>,
  now: Date,
  tick: () => void = () => {},
): Promise<Total> {
  const runs = new Map<string, RunTotal>();
  const total = {
    examined: 0,
    corrected: 0,
    unchanged: 0,
    differenceUSD: 0,
    unpriced: [] as Total['unpriced'],
  };
  let cursor: string | null = null;
  do {
    const request = requestOf({ ...asked, ...(cursor === null ? {} : { cursor }) });
    const batch: RepricingAnswer = await repriceBatch(database, request, 'npm run reprice', now);
    total.examined += batch.examined;
    total.corrected += batch.corrected;
    total.unchanged += batch.unchanged;
    total.unpriced.push(...batch.unpriced);
    total.differenceUSD = sumUsd(total.differenceUSD, batch.differenceUSD);
    for (const run of batch.runs) addRun(runs, run);
    cursor = batch.nextCursor;
    tick();
  } while (cursor !== null);
  return { ...total, runs: [...runs.values()] };
}

function addRun(runs: Map<string, RunTotal>, run: RunTotal): void {
  const key = JSON.stringify([run.tenantId, run.runId]);
  const before = runs.get(key);
  runs.set(key, {
    ...run,
    corrected: run.corrected + (before?.corrected ?? 0),
    differenceUSD: sumUsd(run.differenceUSD, before?.differenceUSD ?? 0),
  });
}

/** @throws Error naming the options that are wrong */
function requestOf(asked: Readonly<Record<string, unknown>>) {
  const parsed = repricingRequest.safeParse(asked);
  if (parsed.success) return parsed.data;
  const wrong = fieldErrors(parsed.error, asked).map(
    ({ path: field, message }) => `${optionOf(field)} ${message}`,
  );
  throw new Error(`${wrong.join('; ')}. See npm run reprice -- --help.`);
}

const optionOf = (field: string): string => `--${field === 'tenantId' ? 'tenant' : field}`;

/** The whole answer in words, without a last line break. */
export function reportOf(total: Total, isBooked: boolean): string {
  const lines = [
    ...total.runs.map(
      (run) =>
        `run ${run.runId} of tenant ${run.tenantId}: ${run.corrected} events, ${signed(run.differenceUSD)} USD`,
    ),
    ...total.unpriced.map(
      ({ tenantId, runId, eventId, message }) =>
        `event ${eventId} of run ${runId} of tenant ${tenantId}: ${message}`,
    ),
  ];
  const left =
    total.unpriced.length === 0 ? '' : `; ${total.unpriced.length} have no price and stay as they are`;
  const done = isBooked
    ? 'corrected'
    : 'would be corrected; nothing was booked. To book: --book --reason TEXT';
  return [
    ...lines,
    `${total.examined} events looked at, ${total.corrected} by ${signed(total.differenceUSD)} USD ${done}${left}`,
  ].join('\n');
}

const signed = (amount: number): string => (amount > 0 ? `+${amount}` : String(amount));

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      from: { type: 'string' },
      to: { type: 'string' },
      tenant: { type: 'string' },
      model: { type: 'string' },
      book: { type: 'boolean', default: false },
      reason: { type: 'string' },
      json: { type: 'boolean', default: false },
      data: { type: 'string', default: path.join(import.meta.dirname, '..', '.local', 'data') },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return;
  }
  const { from, to, tenant: tenantId, model, book } = values;
  const reason = book ? values.reason : (values.reason ?? 'to look');
  const given = Object.entries({ from, to, tenantId, model, reason }).filter(
    ([, value]) => value !== undefined,
  );
  const asked = { ...Object.fromEntries(given), dryRun: !book };
  requestOf(asked);
  const database = openDatabase({
    connectionString: await databaseUrlOf(path.resolve(values.data), process.env),
  });
  const shown = progress('batches');
  try {
    const total = await repriceAll(database, asked, new Date(), shown.tick);
    shown.done();
    process.stdout.write(`${values.json ? JSON.stringify(total) : reportOf(total, book)}\n`);
    if (total.unpriced.length > 0) process.exitCode = 1;
  } finally {
    await database.close();
  }
}

if (import.meta.main) {
  main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}
