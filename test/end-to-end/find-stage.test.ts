import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { findStage } from '../../commands/demo/find-stage.ts';
import {
  environmentText,
  removeStageFile,
  type StageFile,
  stageFileOf,
  writeStageFile,
} from '../../commands/stage-file.ts';

/** Port 1 on this machine is nobody's. */
const dead = 'http://127.0.0.1:1';
const stage: StageFile = {
  url: dead,
  operatorKey: 'msk_operator_x',
  tenants: [{ tenantId: 'acme', key: 'msk_1_x' }],
  databaseUrl: 'postgres://postgres:x@127.0.0.1:1/mothership',
  awsEndpointUrl: dead,
  region: 'us-east-1',
  credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  eventsQueueUrl: `${dead}/0/events-tap`,
  costEventsQueueUrl: `${dead}/0/cost-events`,
  taskQueueUrls: { P0: `${dead}/0/p0`, P1: `${dead}/0/p1`, P2: `${dead}/0/p2`, P3: `${dead}/0/p3` },
};

const environment: Record<string, string> = Object.fromEntries(
  environmentText(stage)
    .trim()
    .split('\n')
    .map((line) => line.split(/=(.*)/s).slice(0, 2)),
);

let dataFolder: string;
beforeEach(async () => {
  dataFolder = await mkdtemp(path.join(tmpdir(), 'mothership-stage-file-'));
});
afterEach(() => rm(dataFolder, { recursive: true }));

test('nothing runs: the error names the file that is missing and the command that helps', async () => {
  await expect(findStage(dataFolder, {})).rejects.toThrow(
    `there is no ${stageFileOf(dataFolder)}. Start it in another terminal with npm start`,
  );
});

test('a stage that died left its file: the error says that it does not answer', async () => {
  await writeStageFile(dataFolder, stage);
  await expect(findStage(dataFolder, {})).rejects.toThrow(`The stage at ${dead} does not answer`);
});

test('the environment of --print-env is enough, without any file', async () => {
  await expect(findStage(dataFolder, environment)).rejects.toThrow(`The stage at ${dead} does not answer`);
});

test('half an environment: the error names what is missing', async () => {
  const { EVENTS_QUEUE_URL: _left, ...half } = environment;
  await expect(findStage(dataFolder, half)).rejects.toThrow(/eventsQueueUrl.*unset MOTHERSHIP_URL/s);
});

test('the file holds keys: its owner alone may read it, also when it was there before', async () => {
  await writeStageFile(dataFolder, stage);
  await writeStageFile(dataFolder, stage);
  expect((await stat(stageFileOf(dataFolder))).mode & 0o777).toBe(0o600);
  await removeStageFile(dataFolder);
  await removeStageFile(dataFolder);
  await expect(stat(stageFileOf(dataFolder))).rejects.toThrow('ENOENT');
});
