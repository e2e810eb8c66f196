/** Finds the running stage: by the environment that `npm start -- --print-env` writes, or by its data folder. */

import { readStageFile, type StageFile, stageFile, stageFileOf } from '../stage-file.ts';

const startIt = 'Start it in another terminal with npm start, then run npm run demo again.';

/**
 * @param dataFolder of `npm start`
 * @param environment used when `MOTHERSHIP_URL` is set
 * @throws when nothing runs there, saying what to do
 */
export async function findStage(
  dataFolder: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Omit<StageFile, 'tenants' | 'databaseUrl'>> {
  const stage =
    environment.MOTHERSHIP_URL === undefined
      ? await readStageFile(dataFolder)
      : stageOfEnvironment(environment);
  if (stage === undefined) {
    throw new Error(`No stage runs on this machine: there is no ${stageFileOf(dataFolder)}. ${startIt}`);
  }
  const health = await fetch(`${stage.url}/v1/health`).catch(() => undefined);
  if (health?.ok !== true) {
    const how = health === undefined ? 'does not answer' : `answers ${health.status}`;
    throw new Error(`The stage at ${stage.url} ${how}; it may have ended. ${startIt}`);
  }
  return stage;
}

const environmentShape = stageFile.omit({ tenants: true, databaseUrl: true });

function stageOfEnvironment(environment: Readonly<Record<string, string | undefined>>) {
  const parsed = environmentShape.safeParse({
    url: environment.MOTHERSHIP_URL?.replace(/\/$/, ''),
    operatorKey: environment.MOTHERSHIP_OPERATOR_KEY,
    awsEndpointUrl: environment.AWS_ENDPOINT_URL,
    region: environment.AWS_REGION,
    credentials: {
      accessKeyId: environment.AWS_ACCESS_KEY_ID,
      secretAccessKey: environment.AWS_SECRET_ACCESS_KEY,
    },
    eventsQueueUrl: environment.EVENTS_QUEUE_URL,
    costEventsQueueUrl: environment.COST_EVENTS_QUEUE_URL,
    taskQueueUrls: {
      P0: environment.TASK_QUEUE_URL_P0,
      P1: environment.TASK_QUEUE_URL_P1,
      P2: environment.TASK_QUEUE_URL_P2,
      P3: environment.TASK_QUEUE_URL_P3,
    },
  });
  if (parsed.success) return parsed.data;
  throw new Error(
    'MOTHERSHIP_URL is set, but not all that npm start -- --print-env FILE writes with it ' +
      `(${parsed.error.issues.map(({ path }) => path.join('.')).join(', ')}). ` +
      'Set them all, or unset MOTHERSHIP_URL to find the stage by its data folder.',
  );
}
