/**
 * The whole system on this machine: the App stack's own template run by `infra/local`, over a real Postgres.
 * `npm start` and the end-to-end tests start it.
 */

import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import pg from 'pg';
import { migrate } from '../migrations/migrate.ts';
import type { PostgresServer } from './local/postgres.ts';
import { startPostgres } from './local/postgres.ts';
import { type LocalRuntime, startLocalRuntime } from './local/runtime.ts';

export type LocalStageOptions = {
  /** Keeps database, generated secrets and logs; made when missing. A second start on it finds everything again. */
  readonly dataFolder: string;
  /** Port of the API on 127.0.0.1; 0 = any free one. */
  readonly port: number;
  /** A line for each step, and for whatever goes wrong later. */
  readonly log: (line: string) => void;
  /** False trades safety against a power cut for speed; tests only. Default true. */
  readonly durable?: boolean;
  /** False leaves the schedule to the caller. Default true. */
  readonly automaticSchedules?: boolean;
  /** An assembly that is already there, instead of synthesising one. */
  readonly assemblyFolder?: string;
};

export type LocalStage = {
  readonly runtime: LocalRuntime;
  readonly postgres: PostgresServer;
  readonly baseUrl: string;
  /** The stage's operator key, the same at every start on the same data. */
  readonly operatorKey: string;
  /** Connection string of the database, as its owner. */
  readonly databaseUrl: string;
  stop(): Promise<void>;
};

const stackName = 'MothershipApp-local';
const databaseName = 'mothership';
const appRoleName = 'mothership_app';
const databaseSecretArn = 'arn:aws:secretsmanager:us-east-1:000000000000:secret:mothership/local/app-AbCdEf';

type StageSecrets = { readonly operatorSecret: string; readonly appPassword: string };

/** Starts everything; on failure nothing is left running. */
export async function startLocalStage(options: LocalStageOptions): Promise<LocalStage> {
  const { dataFolder, log } = options;
  await mkdir(dataFolder, { recursive: true });
  const secrets = await stageSecrets(dataFolder);
  const assemblyFolder =
    options.assemblyFolder ?? (await timed(log, 'app stack synthesised', () => synthesise(dataFolder)));
  const postgres = await timed(log, 'Postgres ready', () =>
    startPostgres({ dataFolder: path.join(dataFolder, 'postgres'), durable: options.durable ?? true, log }),
  );
  try {
    const databaseUrl = await timed(log, 'database migrated', () => prepareDatabase(postgres, secrets, log));
    const runtime = await timed(log, 'functions, queues, bus and API wired from the template', () =>
      startLocalRuntime({
        assemblyFolder,
        stackName,
        importValue,
        secrets: { [databaseSecretArn]: databaseSecret(databaseUrl, secrets) },
        dataFolder,
        port: options.port,
        log,
        ...(options.automaticSchedules === undefined
          ? {}
          : { automaticSchedules: options.automaticSchedules }),
      }),
    );
    return {
      runtime,
      postgres,
      baseUrl: runtime.baseUrl,
      operatorKey: `msk_operator_${secrets.operatorSecret}`,
      databaseUrl,
      stop: async () => {
        await runtime.stop();
        await postgres.stop();
      },
    };
  } catch (error) {
    await postgres.stop();
    throw error;
  }
}

/**
 * Into a folder of its own: other CDK commands rewrite `cdk.out` without the bundled code. Nothing is done when the
 * sources are those of the last time: synthesis takes seconds, reading the sources milliseconds.
 */
export async function synthesise(dataFolder: string): Promise<string> {
  const outputFolder = path.join(dataFolder, 'assembly');
  const stamp = path.join(outputFolder, 'sources.sha256');
  const sources = await hashOfSources();
  if ((await readFile(stamp, 'utf8').catch(() => '')) === sources) return outputFolder;
  await rm(outputFolder, { recursive: true, force: true });
  const { mothershipApp } = await import('./mothership-app.ts');
  mothershipApp({ stage: 'local', outputFolder, checkRules: false }).synth();
  await writeFile(stamp, sources);
  return outputFolder;
}

/** Everything that the assembly is made from. */
const sourceFolders = ['infra', 'functions', 'shared'];
const sourceFiles = ['cdk.json', 'package-lock.json'];

/** Changes with whatever the assembly is made from. */
export async function hashOfSources(): Promise<string> {
  const root = path.join(import.meta.dirname, '..');
  const inFolders = await Promise.all(
    sourceFolders.map(async (folder) => {
      const entries = await readdir(path.join(root, folder), { recursive: true, withFileTypes: true });
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) => path.join(entry.parentPath, entry.name));
    }),
  );
  const hash = createHash('sha256');
  for (const file of [...inFolders.flat(), ...sourceFiles.map((name) => path.join(root, name))].sort()) {
    hash
      .update(path.relative(root, file))
      .update('\0')
      .update(await readFile(file));
  }
  return hash.digest('hex');
}

/** What the Data stack would export; only the application's secret matters on this machine. */
function importValue(exportName: string): string {
  const name = exportName.split(':').at(-1);
  return name === 'ApplicationSecretArn' ? databaseSecretArn : `local-${name}`;
}

async function stageSecrets(dataFolder: string): Promise<StageSecrets> {
  const file = path.join(dataFolder, 'stage-secrets.json');
  try {
    return JSON.parse(await readFile(file, 'utf8')) as StageSecrets;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const secrets = {
    operatorSecret: randomBytes(32).toString('base64url'),
    appPassword: randomBytes(24).toString('base64url'),
  };
  await writeFile(file, JSON.stringify(secrets), { mode: 0o600 });
  await chmod(file, 0o600);
  return secrets;
}

async function prepareDatabase(
  postgres: PostgresServer,
  secrets: StageSecrets,
  log: (line: string) => void,
): Promise<string> {
  const client = new pg.Client(postgres.connectionString);
  await client.connect();
  const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [databaseName]);
  if (rowCount === 0) await client.query(`create database ${databaseName}`);
  await client.end();
  const url = new URL(postgres.connectionString);
  url.pathname = `/${databaseName}`;
  await migrate({
    client: { connectionString: url.href },
    appRole: { name: appRoleName, password: secrets.appPassword },
    operatorKeySecret: secrets.operatorSecret,
    log: (line) => log(`  ${line}`),
  });
  return url.href;
}

function databaseSecret(databaseUrl: string, secrets: StageSecrets): string {
  const url = new URL(databaseUrl);
  return JSON.stringify({
    host: url.hostname,
    port: Number(url.port),
    dbname: databaseName,
    username: appRoleName,
    password: secrets.appPassword,
  });
}

async function timed<T>(log: (line: string) => void, what: string, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await work();
  log(`${what} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
  return result;
}
