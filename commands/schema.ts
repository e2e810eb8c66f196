/** `npm run schema`: writes migrations/schema.sql, what the migrations amount to; `--check` fails when it is out of date. */

import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { startThrowawayPostgres } from '../infra/local/throwaway-postgres.ts';
import { describeSchema } from '../migrations/describe-schema.ts';
import { migrate } from '../migrations/migrate.ts';

const help = `npm run schema [-- --check]

Migrates an empty database and writes its schema to migrations/schema.sql, for review.

  --check  writes nothing; exits 1 when the file is out of date
  --help   this text`;

const { values } = parseArgs({
  options: { check: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
});

if (values.help) {
  console.log(help);
} else {
  await main();
}

async function main(): Promise<void> {
  const file = path.join(import.meta.dirname, '..', 'migrations', 'schema.sql');
  const schema = await migratedSchema();
  if (!values.check) {
    await writeFile(file, schema);
    console.error('migrations/schema.sql written');
  } else if ((await readFile(file, 'utf8').catch(() => '')) === schema) {
    console.error('migrations/schema.sql is up to date');
  } else {
    console.error('migrations/schema.sql is out of date; run npm run schema and review the change');
    process.exitCode = 1;
  }
}

async function migratedSchema(): Promise<string> {
  const server = await startThrowawayPostgres({ durable: false });
  try {
    const connection = { connectionString: server.connectionString };
    await migrate({
      client: connection,
      appRole: { name: 'mothership_app', password: 'schema' },
      operatorKeySecret: 'schema',
    });
    const client = new pg.Client(connection);
    await client.connect();
    const schema = await describeSchema(client);
    await client.end();
    return schema;
  } finally {
    await server.stop();
  }
}
