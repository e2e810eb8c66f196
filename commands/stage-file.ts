/**
 * What a running local stage tells other programs: one JSON file in its data folder, there from ready to stop.
 * It holds keys, so only its owner may read it.
 */

import { chmod, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';

const url = z.url();

export const stageFile = z.object({
  /** Base URL of the API, without a trailing slash. */
  url,
  operatorKey: z.string(),
  /** The first tenants, with a runner key each. */
  tenants: z.array(z.object({ tenantId: z.string(), key: z.string() })),
  databaseUrl: z.string(),
  /** For AWS SDK clients of SQS, EventBridge and Secrets Manager. */
  awsEndpointUrl: url,
  region: z.string(),
  credentials: z.object({ accessKeyId: z.string(), secretAccessKey: z.string() }),
  /** The queue with a copy of every event. */
  eventsQueueUrl: url,
  /** The queue that takes cost events in batches. */
  costEventsQueueUrl: url,
  /** The queues of doorbells, by class. */
  taskQueueUrls: z.object({ P0: url, P1: url, P2: url, P3: url }),
});
export type StageFile = z.infer<typeof stageFile>;

export function stageFileOf(dataFolder: string): string {
  return path.join(dataFolder, 'stage.json');
}

/** Readers find the whole file or none. */
export async function writeStageFile(dataFolder: string, content: StageFile): Promise<void> {
  const file = stageFileOf(dataFolder);
  const unfinished = `${file}.new`;
  await writeFile(unfinished, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  // The mode above counts for a new file only.
  await chmod(unfinished, 0o600);
  await rename(unfinished, file);
}

/** Undefined when no stage runs on the folder. Throws on a file that is not a stage's. */
export async function readStageFile(dataFolder: string): Promise<StageFile | undefined> {
  const file = stageFileOf(dataFolder);
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const parsed = stageFile.safeParse(JSON.parse(text));
  if (!parsed.success) throw new Error(`${file} is not of this version: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

export async function removeStageFile(dataFolder: string): Promise<void> {
  await rm(stageFileOf(dataFolder), { force: true });
}

/** The same for a shell, one `NAME=value` a line; the AWS names are those that SDKs and the AWS CLI read. */
export function environmentText(stage: StageFile): string {
  return Object.entries({
    MOTHERSHIP_URL: stage.url,
    MOTHERSHIP_OPERATOR_KEY: stage.operatorKey,
    MOTHERSHIP_RUNNER_KEY: stage.tenants[0]?.key ?? '',
    DATABASE_URL: stage.databaseUrl,
    AWS_ENDPOINT_URL: stage.awsEndpointUrl,
    AWS_REGION: stage.region,
    AWS_ACCESS_KEY_ID: stage.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: stage.credentials.secretAccessKey,
    EVENTS_QUEUE_URL: stage.eventsQueueUrl,
    COST_EVENTS_QUEUE_URL: stage.costEventsQueueUrl,
    TASK_QUEUE_URL_P0: stage.taskQueueUrls.P0,
    TASK_QUEUE_URL_P1: stage.taskQueueUrls.P1,
    TASK_QUEUE_URL_P2: stage.taskQueueUrls.P2,
    TASK_QUEUE_URL_P3: stage.taskQueueUrls.P3,
  })
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
