/** A local stage with a judge, from its setting through template, bundle and role to the answers over HTTP. */

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import * as z from 'zod';
import { answers, type ConverseStandIn, grades, startConverse } from '../deliberation/converse-stand-in.ts';
import { samples } from '../deliberation/samples.ts';
import { startTestStage, type TestStage } from './stage.ts';

const modelId = 'eu.amazon.nova-lite-v1:0';
const endpoint = 'AWS_ENDPOINT_URL_BEDROCK_RUNTIME';
const endpointBefore = process.env[endpoint];
let converse: ConverseStandIn;
let stage: TestStage;

beforeAll(async () => {
  converse = await startConverse();
  process.env[endpoint] = converse.url;
  stage = await startTestStage({
    judge: {
      modelId,
      profileOf: { modelId: 'amazon.nova-lite-v1:0', regions: ['eu-central-1'] },
      price: 'library',
      timeoutSeconds: 5,
      attempts: 2,
    },
  });
}, 120_000);

afterAll(async () => {
  if (endpointBefore === undefined) delete process.env[endpoint];
  else process.env[endpoint] = endpointBefore;
  await stage.stop();
  await converse.stop();
});

const scored = z.looseObject({
  recommendation: z.string(),
  scorerVersion: z.string(),
  evidence: z.looseObject({ judge: z.looseObject({ used: z.boolean() }).optional() }),
});
const runResult = z.looseObject({
  costs: z.looseObject({
    totalUSD: z.number(),
    byModel: z.array(z.looseObject({ model: z.string().nullable() })),
  }),
});

test('some text of the review band is judged by the stand-in, and the run pays for it', async () => {
  converse.behave(answers(grades(10, 10, 10)));
  const { client } = await stage.tenant('judged');
  await client.ask(z.unknown(), 'POST', '/v1/runs', {
    runId: 'run',
    phase: 'plan',
    budget: { maxCostUSD: 5 },
  });
  // Which parts of the samples the built-in scorer sends to review is its own affair; that some are is not.
  const parts = samples.flatMap(({ goal, steps }) =>
    steps.map((_, end) => ({ goal, text: steps.slice(0, end + 1).join('\n') })),
  );
  const judged: z.infer<typeof scored>[] = [];
  for (const part of parts) {
    const answer = await client.ask(scored, 'POST', '/v1/runs/run/deliberations', part);
    if (answer.evidence.judge !== undefined) judged.push(answer);
  }
  expect(judged.length).toBeGreaterThan(0);
  expect(converse.requests).toHaveLength(judged.length);
  for (const { evidence, scorerVersion } of judged) {
    expect(evidence.judge).toMatchObject({ used: true, model: modelId });
    expect(scorerVersion).toMatch(/\+judge:eu\.amazon\.nova-lite-v1:0$/);
  }
  const { costs } = await client.ask(runResult, 'GET', '/v1/runs/run');
  expect(costs.byModel).toMatchObject([{ model: modelId, events: judged.length }]);
  expect(costs.totalUSD).toBeCloseTo(judged.length * 0.000144, 9);
});
