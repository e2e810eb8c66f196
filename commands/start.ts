/** `npm start`: the whole system on this machine, nothing else to install. */

import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { type LocalStage, startLocalStage } from '../infra/local-stage.ts';
import { firstTenants, type Tenant } from './first-tenants.ts';

const help = `npm start -- [--port N] [--data DIR] [--print-env FILE]

Runs Mothership on this machine: Postgres, queues, bus, functions and API, wired from the App stack's own template.

  --port N          port of the API on 127.0.0.1; 0 = any free one (default 8080)
  --data DIR        where database, keys and logs are kept (default .local/data); a second start finds them again
  --print-env FILE  once ready, writes MOTHERSHIP_URL, MOTHERSHIP_OPERATOR_KEY, MOTHERSHIP_RUNNER_KEY and DATABASE_URL
  --json            prints one JSON line when ready instead of the text
  --help            this text

Ctrl-C stops everything.`;

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '8080' },
    data: { type: 'string', default: path.join(import.meta.dirname, '..', '.local', 'data') },
    'print-env': { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) {
  console.log(help);
} else {
  await main();
}

async function main(): Promise<void> {
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    fail(`--port is "${values.port}"; give a number from 0 to 65535.`);
  const dataFolder = path.resolve(values.data);
  const log = (line: string) => console.error(line);
  const pidFile = path.join(dataFolder, 'stage.pid');
  await refuseSecondStage(pidFile, dataFolder);

  let stage: LocalStage | undefined;
  let stopping = false;
  const stop = async (): Promise<void> => {
    if (stopping) return;
    stopping = true;
    log('stopping …');
    await stage?.stop();
    await rm(pidFile, { force: true });
    process.exit(0);
  };
  process.on('SIGINT', () => void stop());
  process.on('SIGTERM', () => void stop());

  try {
    stage = await startLocalStage({ dataFolder, port, log });
    await writeFile(pidFile, String(process.pid));
    const tenants = await firstTenants(stage, dataFolder);
    if (values['print-env'] !== undefined)
      await writeFile(values['print-env'], environmentOf(stage, tenants), { mode: 0o600 });
    console.log(values.json ? JSON.stringify(asJson(stage, tenants)) : welcome(stage, tenants));
  } catch (error) {
    await stage?.stop();
    await rm(pidFile, { force: true });
    const message = error instanceof Error ? error.message : String(error);
    if (/EADDRINUSE/.test(message))
      fail(`Port ${port} is taken; choose another with --port, or --port 0 for any free one.`);
    fail(`Start failed: ${message}`);
  }
}

/** Two stages on one data folder would fight over one database. */
async function refuseSecondStage(pidFile: string, dataFolder: string): Promise<void> {
  const pid = Number(await readFile(pidFile, 'utf8').catch(() => ''));
  if (pid > 0 && isAlive(pid)) {
    fail(
      `A stage already runs on ${dataFolder} (process ${pid}); stop it first, or give another folder with --data.`,
    );
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function asJson(stage: LocalStage, tenants: readonly Tenant[]) {
  return { url: stage.baseUrl, operatorKey: stage.operatorKey, tenants, databaseUrl: stage.databaseUrl };
}

function environmentOf(stage: LocalStage, tenants: readonly Tenant[]): string {
  return [
    `MOTHERSHIP_URL=${stage.baseUrl}`,
    `MOTHERSHIP_OPERATOR_KEY=${stage.operatorKey}`,
    `MOTHERSHIP_RUNNER_KEY=${tenants[0]?.key ?? ''}`,
    `DATABASE_URL=${stage.databaseUrl}`,
    '',
  ].join('\n');
}

function welcome(stage: LocalStage, tenants: readonly Tenant[]): string {
  const runner = tenants[0];
  return `
Mothership is ready.

  base URL       ${stage.baseUrl}
  operator key   ${stage.operatorKey}
${tenants.map((tenant) => `  ${tenant.tenantId.padEnd(13)}  ${tenant.key}`).join('\n')}
  database       ${stage.databaseUrl}

Try it:

  curl -s ${stage.baseUrl}/v1/runs \\
    -H 'Authorization: Bearer ${runner?.key}' \\
    -H 'Content-Type: application/json' \\
    -d '{"runId": "run-1", "phase": "build", "budget": {"maxCostUSD": 2}}'

In another terminal, npm run demo tells a story. Ctrl-C stops everything.`;
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
