/** `npm start`: the whole system on this machine, nothing else to install. */

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { type LocalStage, startLocalStage } from '../infra/local-stage.ts';
import { firstTenants, type Tenant } from './first-tenants.ts';
import { environmentText, removeStageFile, type StageFile, writeStageFile } from './stage-file.ts';

const help = `npm start -- [--port N] [--data DIR] [--print-env FILE]

Runs Mothership on this machine: Postgres, queues, bus, functions and API, wired from the App stack's own template.

  --port N          port of the API on 127.0.0.1; 0 = any free one (default 8080)
  --data DIR        where database, keys and logs are kept (default .local/data); a second start finds them again
  --print-env FILE  once ready, writes MOTHERSHIP_URL, MOTHERSHIP_OPERATOR_KEY, MOTHERSHIP_RUNNER_KEY, DATABASE_URL,
                    AWS_ENDPOINT_URL with region and credentials, EVENTS_QUEUE_URL, COST_EVENTS_QUEUE_URL and
                    TASK_QUEUE_URL_P0 to _P3
  --json            prints one JSON line when ready instead of the text
  --help            this text

While it runs, stage.json in the data folder holds the same for programs.
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
    await removeStageFile(dataFolder);
    await stage?.stop();
    await rm(pidFile, { force: true });
    process.exit(0);
  };
  process.on('SIGINT', () => void stop());
  process.on('SIGTERM', () => void stop());

  try {
    stage = await startLocalStage({ dataFolder, port, log });
    await writeFile(pidFile, String(process.pid));
    const description = describe(stage, await firstTenants(stage, dataFolder));
    await writeStageFile(dataFolder, description);
    if (values['print-env'] !== undefined) await printEnvironment(values['print-env'], description);
    console.log(values.json ? JSON.stringify(description) : welcome(description));
  } catch (error) {
    await removeStageFile(dataFolder);
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

function describe({ runtime, ...stage }: LocalStage, tenants: readonly Tenant[]): StageFile {
  const taskQueueUrl = (name: string) => runtime.queueUrl(`mothership-local-tasks-${name}`);
  return {
    url: stage.baseUrl,
    operatorKey: stage.operatorKey,
    tenants: [...tenants],
    databaseUrl: stage.databaseUrl,
    awsEndpointUrl: runtime.awsEndpointUrl,
    region: runtime.region,
    credentials: runtime.credentials,
    eventsQueueUrl: runtime.queueUrl('mothership-local-events-tap'),
    costEventsQueueUrl: runtime.queueUrl('mothership-local-cost-events'),
    taskQueueUrls: {
      P0: taskQueueUrl('p0'),
      P1: taskQueueUrl('p1'),
      P2: taskQueueUrl('p2'),
      P3: taskQueueUrl('p3'),
    },
  };
}

async function printEnvironment(file: string, description: StageFile): Promise<void> {
  await mkdir(path.dirname(path.resolve(file)), { recursive: true });
  await writeFile(file, environmentText(description), { mode: 0o600 });
}

function welcome(stage: StageFile): string {
  return `
Mothership is ready.

  base URL       ${stage.url}
  console        ${stage.url}/console#${stage.operatorKey}
  operator key   ${stage.operatorKey}
${stage.tenants.map((tenant) => `  ${tenant.tenantId.padEnd(13)}  ${tenant.key}`).join('\n')}
  database       ${stage.databaseUrl}

Try it:

  curl -s ${stage.url}/v1/runs \\
    -H 'Authorization: Bearer ${stage.tenants[0]?.key}' \\
    -H 'Content-Type: application/json' \\
    -d '{"runId": "run-1", "phase": "build", "budget": {"maxCostUSD": 2}}'

In another terminal, npm run demo tells a story. Ctrl-C stops everything.`;
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
