/** Labels: the caller's own words about a run, replaced while it goes on; nothing else of the run changes. */

import { beforeEach, expect, test } from '@jest/globals';
import { testApi } from '../setup/api.ts';
import { withDatabase } from '../setup/database.ts';
import { sceneOf, startAgain } from './scene.ts';

const db = withDatabase();
const api = testApi(() => db.app);
const scene = sceneOf(api);
const runner = { tenantId: 'a' };
const read = async () => (await api.call(runner, 'GET', '/v1/runs/r1')).body;
const put = (labels: object, path = '/v1/runs/r1/labels') => api.call(runner, 'PUT', path, { labels });

beforeEach(async () => {
  await startAgain(db.admin, api);
  await scene.setQuotas('a', {});
  await scene.ask('a', 'r1', { labels: { model: 'model-a', team: 'blue' } });
});

test('a run tells its labels and when it started', async () => {
  expect(await read()).toMatchObject({
    labels: { model: 'model-a', team: 'blue' },
    createdAt: '2026-03-11T12:00:00.000Z',
    startedAt: '2026-03-11T12:00:00.000Z',
  });
});

test('new labels replace all the old ones, and nothing else changes', async () => {
  const before = await read();
  api.advance(10);
  const answer = await put({ model: 'fallback-model' });
  expect(answer).toMatchObject({ status: 200, body: { labels: { model: 'fallback-model' } } });
  expect(answer.body.labels).not.toHaveProperty('team');
  expect(await read()).toEqual({ ...before, labels: { model: 'fallback-model' } });
});

test('a run announced again is answered as the first time and keeps its new labels (A7)', async () => {
  const ask = { labels: { model: 'model-a', team: 'blue' } };
  await put({ model: 'fallback-model' });
  const again = await scene.ask('a', 'r1', ask);
  expect(again).toMatchObject({ status: 201, headers: { 'idempotent-replayed': 'true' } });
  expect((await read()).labels).toEqual({ model: 'fallback-model' });
  expect((await scene.usage('a')).concurrentRuns.used).toBe(1);
});

test('a run that has ended can still be labelled', async () => {
  await scene.complete('a', 'r1', 1);
  expect(await put({ kept: 'yes' })).toMatchObject({ status: 200, body: { status: 'completed' } });
});

test('a run that is not there is not found', async () => {
  expect(await put({}, '/v1/runs/never-seen/labels')).toMatchObject({ status: 404 });
});

test('an operator labels for the tenant that it names', async () => {
  const answer = await api.call('operator', 'PUT', '/v1/runs/r1/labels?tenantId=a', { labels: { x: 'y' } });
  expect(answer).toMatchObject({ status: 200, body: { tenantId: 'a', labels: { x: 'y' } } });
});
