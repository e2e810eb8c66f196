import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runner } from 'node-pg-migrate';
import pg from 'pg';

/** What to migrate and whom to let in. */
export type MigrateOptions = {
  /** Connection of a role that may create tables and roles; straight to the server, never through a proxy. */
  readonly client: pg.ClientConfig;
  /** The role that the functions connect as; created when missing, its password set each time. */
  readonly appRole: { readonly name: string; readonly password: string };
  /** Secret part of the stage's operator key `msk_operator_<secret>`; only its hash is stored. */
  readonly operatorKeySecret: string;
  /** Folder of the numbered `.sql` files, with `functions/` below it. Default: beside this file. */
  readonly folder?: string;
  readonly log?: (line: string) => void;
};

/** Tables whose rows are never changed or removed by the application (B1): the privileges say so. */
const appendOnlyTables = [
  'tenant_usage',
  'checkpoints',
  'decisions',
  'plans',
  'policies',
  'cost_events',
  'budget_changes',
  'account_budget_events',
  'org_changes',
  'deliberation_scores',
  'quota_violations',
  'reconciliations',
  'price_tables',
  'repricings',
];

/**
 * Brings the database up to date: numbered migrations once each, then every SQL function whose text has changed,
 * then roles, grants and the operator key. Safe to repeat, and to run from two places at once: the second waits for
 * the first (session advisory lock). An older bundle on a newer schema changes nothing.
 */
export async function migrate(options: MigrateOptions): Promise<void> {
  const folder = options.folder ?? import.meta.dirname;
  const log = options.log ?? (() => {});
  const client = new pg.Client(options.client);
  await client.connect();
  try {
    const done = await runner({
      dbClient: client,
      dir: folder,
      ignorePattern: '(?!\\d{4}_).*',
      direction: 'up',
      migrationsTable: 'schema_migrations',
      checkOrder: true,
      singleTransaction: true,
      advisoryLockMode: 'wait',
      log: () => {},
    });
    for (const migration of done) {
      log(`migration ${migration.name}`);
    }
    await client.query('begin');
    await client.query(`select pg_advisory_xact_lock(hashtext('mothership-functions'))`);
    const changed = await replaceChangedFunctions(client, join(folder, 'functions'));
    if (changed > 0) {
      log(`${changed} SQL functions replaced`);
    }
    await grantToAppRole(client, options.appRole);
    await seedOperatorKey(client, options.operatorKeySecret);
    await client.query('commit');
  } finally {
    await client.end();
  }
}

/**
 * Drops and creates each function whose file has changed. Not `create or replace`: with another argument list that
 * makes an overload, and calls then fail as ambiguous.
 */
async function replaceChangedFunctions(client: pg.Client, folder: string): Promise<number> {
  await client.query(
    'create table if not exists schema_functions (name text primary key, hash text not null, at timestamptz not null)',
  );
  const known = new Map<string, string>();
  for (const row of (await client.query('select name, hash from schema_functions')).rows) {
    known.set(row.name, row.hash);
  }
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort();
  const changed: { name: string; hash: string; text: string }[] = [];
  for (const file of files) {
    const name = file.slice(0, -'.sql'.length);
    const text = await readFile(join(folder, file), 'utf8');
    const hash = createHash('sha256').update(text).digest('hex');
    if (known.get(name) !== hash) {
      changed.push({ name, hash, text });
    }
  }
  // Bodies are bound when called, so the order of creation does not matter once the checks of bodies are off.
  await client.query('set local check_function_bodies = off');
  for (const { name, hash, text } of changed) {
    const { rows } = await client.query(
      `select oid::regprocedure::text as signature from pg_proc
       where proname = $1 and pronamespace = current_schema()::regnamespace`,
      [name],
    );
    for (const row of rows) {
      await client.query(`drop function ${row.signature}`);
    }
    await client.query(text);
    await client.query(
      `insert into schema_functions (name, hash, at) values ($1, $2, now())
       on conflict (name) do update set hash = excluded.hash, at = excluded.at`,
      [name, hash],
    );
  }
  return changed.length;
}

async function grantToAppRole(client: pg.Client, role: { name: string; password: string }): Promise<void> {
  const name = client.escapeIdentifier(role.name);
  const exists = await client.query('select 1 from pg_roles where rolname = $1', [role.name]);
  if (exists.rowCount === 0) {
    await client.query(`create role ${name} login`);
  }
  await client.query(`alter role ${name} login password ${client.escapeLiteral(role.password)}`);
  // Every statement of the functions has its index. A session plans them for the sizes that tables have when it first asks,
  // though, and on a young table keeps to reading all of it (10 whole reads of `tasks` for each task of a replay, 1,200 tasks).
  // Indexes are read in their order, since a line is read from its front, and not gathered and sorted.
  // Plans without an index are dear on paper then, which would set off compiling them: not for statements of microseconds.
  await client.query(`alter role ${name} set enable_seqscan = off`);
  await client.query(`alter role ${name} set enable_bitmapscan = off`);
  await client.query(`alter role ${name} set jit = off`);
  // Set on the role, because a session that sets them itself would be pinned by RDS Proxy.
  await client.query(`alter role ${name} set statement_timeout = '10s'`);
  await client.query(`alter role ${name} set lock_timeout = '5s'`);
  await client.query(`alter role ${name} set idle_in_transaction_session_timeout = '10s'`);
  await client.query(`grant usage on schema public to ${name}`);
  await client.query(`grant select, insert, update on all tables in schema public to ${name}`);
  await client.query(`grant usage on all sequences in schema public to ${name}`);
  await client.query(`grant delete on idempotency_keys to ${name}`);
  const views = await client.query(
    `select string_agg(quote_ident(viewname), ', ') as names from pg_views where schemaname = 'public'`,
  );
  await client.query(`revoke insert, update on ${views.rows[0].names} from ${name}`);
  await client.query(`revoke update on ${appendOnlyTables.join(', ')} from ${name}`);
  await client.query(`revoke all on schema_migrations, schema_functions from ${name}`);
  await client.query(`revoke execute on all functions in schema public from public`);
  await client.query(`grant execute on all functions in schema public to ${name}`);
}

async function seedOperatorKey(client: pg.Client, secret: string): Promise<void> {
  const hash = createHash('sha256').update(secret).digest('hex');
  await client.query(
    `insert into api_keys (key_id, scope, secret_hash, label, created_at, created_by)
     values ('operator', 'operator', $1, 'the stage''s operator', now(), 'migrate')
     on conflict (key_id) do update set secret_hash = excluded.secret_hash, revoked_at = null
     where api_keys.secret_hash <> excluded.secret_hash`,
    [hash],
  );
}
