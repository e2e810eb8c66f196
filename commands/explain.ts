/** `npm run explain`: why a stored decision was taken, and whether it would be taken again (R5). */

import path from 'node:path';
import { parseArgs } from 'node:util';
import { decisionsOfRun, explainDecision } from '../shared/admission/explain.ts';
import { headOf, wordsOf } from '../shared/admission/explain-words.ts';
import { type Database, openDatabase } from '../shared/platform/db.ts';
import { databaseUrlOf } from './reconcile.ts';

const help = `Usage: npm run explain -- ID [--json] [--data DIR]

Takes a stored decision (its id is in every answer to an admission, and in the timeline of the run) and decides it again
from what was stored with it: facts, request, and the policy of that time. Says which criterion decided:
  of an admission   every dimension with limit, burst, held and asked, and the one that led
  of a grant        who stood before it in the line, by which criterion, and why each did not start
  of a preemption   the running tasks in the order of victims, and why each was taken, passed over or given back
With the id of a run: lists the decisions about it, and those of others that made it leave or give up quota.

  --json      one JSON object: {"decision", "again", "same", "words": [..]}; of a run {"decisions": [..]}
  --data DIR  data folder of the stage that npm start runs (default .local/data)
  --help      this text

The database is that of DATABASE_URL if it is set, else of the stage on the data folder. Reads only.
Exits 1 when it is decided differently now, when there is no such decision or run, or when the database cannot be reached.
`;

type Answer = { readonly document: unknown; readonly lines: readonly string[]; readonly isWell: boolean };

async function answerOf(database: Database, id: string): Promise<Answer> {
  const explanation = await explainDecision(database, id);
  if (explanation !== null) {
    const { decision, again, same } = explanation;
    const lines = wordsOf(explanation);
    return { document: { decision, again, same, words: lines }, lines, isWell: same };
  }
  const decisions = await decisionsOfRun(database, id);
  if (decisions.length === 0) {
    throw new Error(
      `${id}: no decision and no run with decisions has this id. Refusals while a tenant is throttled are not stored.`,
    );
  }
  return { document: { decisions }, lines: decisions.map(headOf), isWell: true };
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      data: { type: 'string', default: path.join(import.meta.dirname, '..', '.local', 'data') },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return;
  }
  const [id] = positionals;
  if (id === undefined || positionals.length > 1) {
    throw new Error(`One id of a decision or a run is needed, not ${positionals.length}.\n\n${help}`);
  }
  const connectionString = await databaseUrlOf(path.resolve(values.data), process.env);
  const database = openDatabase({ connectionString });
  try {
    const { document, lines, isWell } = await answerOf(database, id);
    process.stdout.write(`${values.json ? JSON.stringify(document) : lines.join('\n')}\n`);
    if (!isWell) process.exitCode = 1;
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
