/** The judge over Bedrock's own client, by itself: its deadline, and what it makes of failures. */

import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { bedrockJudge } from '../../shared/deliberation/bedrock-judge.ts';
import type { Question } from '../../shared/deliberation/judge.ts';
import { questionOf } from '../../shared/deliberation/judge-question.ts';
import {
  answers,
  type ConverseStandIn,
  fails,
  grades,
  isSilent,
  startConverse,
} from './converse-stand-in.ts';

const modelId = 'arn:aws:bedrock:eu-central-1:000000000000:application-inference-profile/abc';
const question = questionOf({ goal: 'A goal.', text: 'A text.' }, '0f0f') as Question;
const environment = { ...process.env };
let converse: ConverseStandIn;

function judgeAt(endpoint: string, timeout_ms: number, attempts_max: number) {
  process.env.AWS_ENDPOINT_URL_BEDROCK_RUNTIME = endpoint;
  return bedrockJudge({ modelId, timeout_ms, attempts_max });
}

beforeAll(async () => {
  converse = await startConverse();
  Object.assign(process.env, {
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  });
});
afterEach(() => {
  converse.behave(answers(grades(5, 5, 5)));
});
afterAll(async () => {
  process.env = environment;
  await converse.stop();
});

test('an inference profile is asked by its ARN', async () => {
  expect(await judgeAt(converse.url, 2000, 1).ask(question)).toMatchObject({ kind: 'opinion' });
  expect(converse.requests).toMatchObject([{ modelId }]);
});

test('a refused connection is tried again, and then is a failure that costs nothing', async () => {
  const gone = await startConverse();
  await gone.stop();
  const asked = await judgeAt(gone.url, 4000, 2).ask(question);
  expect(asked).toMatchObject({ kind: 'failed', why: 'unavailable', usage: null });
  expect(asked).toHaveProperty('detail', expect.stringContaining('ECONNREFUSED'));
});

test.each([
  ['a silent answer', isSilent],
  ['one refusal after the other', fails(429, 'ThrottlingException')],
])('the deadline holds over %s, attempts and pauses included', async (_, behaviour) => {
  converse.behave(behaviour);
  const judge = judgeAt(converse.url, 300, 20);
  const started_ms = performance.now();
  expect(await judge.ask(question)).toMatchObject({ kind: 'failed', why: 'timeout', usage: null });
  // The pauses of twenty attempts add up to minutes; the machine may be busy with other tests.
  expect(performance.now() - started_ms).toBeLessThan(2000);
});

test('what is missing of credentials is a failure too, and no exception', async () => {
  const { AWS_ACCESS_KEY_ID: kept } = process.env;
  delete process.env.AWS_ACCESS_KEY_ID;
  process.env.AWS_EC2_METADATA_DISABLED = 'true';
  expect(await judgeAt(converse.url, 2000, 1).ask(question)).toMatchObject({ kind: 'failed' });
  process.env.AWS_ACCESS_KEY_ID = kept;
});
