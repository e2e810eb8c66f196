/** A judge of reasoning: absent unless a stage's setting says so, and then allowed exactly one model (D7). */

import { describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { type JudgeConfig, stageConfig, stageNames } from '../../infra/config.ts';
import { judgeSettings, judgeSwitchedOn } from '../../shared/platform/process-env.ts';
import {
  propertiesOf,
  resourcesOf,
  synthesise,
  type Template,
  templatesOf,
  valuesUnder,
} from './template.ts';

const nova: JudgeConfig = {
  modelId: 'amazon.nova-lite-v1:0',
  profileOf: null,
  price: 'library',
  timeoutSeconds: 10,
  attempts: 3,
};
const profile: JudgeConfig = {
  ...nova,
  modelId: 'eu.amazon.nova-lite-v1:0',
  profileOf: { modelId: 'amazon.nova-lite-v1:0', regions: ['eu-central-1', 'eu-west-1'] },
};

/** `Fn::Join` and `Ref` read as text, with what only AWS knows in angle brackets. */
function readable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(readable);
  if (typeof value !== 'object' || value === null) return value;
  const { 'Fn::Join': join, Ref: ref } = value as { 'Fn::Join'?: [string, unknown[]]; Ref?: string };
  if (join !== undefined) return join[1].map(readable).join(join[0]);
  if (ref !== undefined) return `<${ref.replace('AWS::', '')}>`;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, readable(member)]));
}

const statements = (template: Template | null): { policy: string; statement: unknown }[] =>
  ['AWS::IAM::Policy', 'AWS::IAM::Role', 'AWS::IAM::ManagedPolicy'].flatMap((type) =>
    resourcesOf(template, type).flatMap(([policy, { Properties }]) =>
      valuesUnder('Statement', Properties)
        .flat()
        .filter((statement) => JSON.stringify(statement).includes('bedrock'))
        .map((statement) => ({ policy, statement: readable(statement) })),
    ),
  );

const endpointsOf = (template: Template | null) =>
  propertiesOf(
    template,
    'AWS::EC2::VPCEndpoint',
    z.object({ ServiceName: z.unknown(), PolicyDocument: z.unknown(), PrivateDnsEnabled: z.literal(true) }),
  ).filter(({ ServiceName }) => JSON.stringify(ServiceName).includes('bedrock'));

const functionsOf = (template: Template) =>
  propertiesOf(
    template,
    'AWS::Lambda::Function',
    z.object({
      Timeout: z.number(),
      Environment: z.object({ Variables: z.record(z.string(), z.unknown()) }),
    }),
  );

describe('off', () => {
  test.each(stageNames)('%s has none as it is: no permission, no endpoint, no setting, no alarm', (stage) => {
    expect(stageConfig(stage).judge).toBeNull();
    const { app, data } = templatesOf(stage);
    expect(JSON.stringify([app, data]).toLowerCase()).not.toContain('bedrock');
    expect(JSON.stringify([app, data])).not.toMatch(/JUDGE|JudgeFailures/);
  });

  test('a function without the setting asks nobody', () => {
    expect(judgeSwitchedOn({})).toBe(false);
    expect(judgeSwitchedOn({ JUDGE: '' })).toBe(false);
  });
});

describe('on', () => {
  const { app, data } = synthesise('prod', { judge: nova });

  test.each(stageNames)('%s keeps the rules of cdk-nag', (stage) => {
    expect(() => synthesise(stage, { checkRules: true, judge: profile })).not.toThrow();
  });

  test('one function may invoke one model', () => {
    expect(statements(app)).toEqual([
      {
        policy: expect.stringMatching(/^DeliberationApiRole/),
        statement: {
          Action: 'bedrock:InvokeModel',
          Effect: 'Allow',
          Resource: 'arn:<Partition>:bedrock:<Region>::foundation-model/amazon.nova-lite-v1:0',
        },
      },
    ]);
    expect(statements(data)).toEqual([]);
  });

  test.each([
    [
      'by its id',
      profile.modelId,
      'arn:<Partition>:bedrock:<Region>:<AccountId>:inference-profile/eu.amazon.nova-lite-v1:0',
    ],
    [
      'by its ARN',
      'arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc',
      'arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc',
    ],
  ])('a profile %s, and its model through that profile alone', (_, modelId, arn) => {
    const given = statements(synthesise('prod', { judge: { ...profile, modelId, price: 'operator' } }).app);
    const model = (region: string) =>
      `arn:<Partition>:bedrock:${region}::foundation-model/amazon.nova-lite-v1:0`;
    expect(given.map(({ statement }) => statement)).toEqual([
      { Action: 'bedrock:InvokeModel', Effect: 'Allow', Resource: arn },
      {
        Action: 'bedrock:InvokeModel',
        Effect: 'Allow',
        Resource: [model('eu-central-1'), model('eu-west-1')],
        Condition: { StringEquals: { 'bedrock:InferenceProfileArn': arn } },
      },
    ]);
  });

  test('a global profile also reaches its model without a region', () => {
    const judge = {
      ...profile,
      modelId: 'global.amazon.nova-2-lite-v1:0',
      profileOf: { modelId: 'amazon.nova-2-lite-v1:0', regions: ['eu-central-1'] },
    };
    expect(JSON.stringify(statements(synthesise('prod', { judge }).app))).toContain(
      ':bedrock:::foundation-model/amazon.nova-2-lite-v1:0',
    );
  });

  test('its calls leave the network by an endpoint that lets nothing else pass', () => {
    const [endpoint, ...others] = endpointsOf(data);
    expect(others).toEqual([]);
    expect(JSON.stringify(endpoint?.ServiceName)).toContain('.bedrock-runtime"');
    expect(valuesUnder('Action', endpoint?.PolicyDocument)).toEqual(['bedrock:InvokeModel']);
    for (const type of ['AWS::EC2::NatGateway', 'AWS::EC2::InternetGateway']) {
      expect(resourcesOf(data, type)).toEqual([]);
    }
  });

  test('the function is told what it needs, and has the time of the judge on top of its own', () => {
    const asking = functionsOf(app).filter(({ Environment }) => 'JUDGE' in Environment.Variables);
    expect(asking.map(({ id }) => id.replace(/[0-9A-F]{8}$/, ''))).toEqual(['DeliberationApi']);
    expect(judgeSettings({ JUDGE: String(asking[0]?.Environment.Variables.JUDGE) })).toEqual({
      modelId: nova.modelId,
      timeout_ms: 10_000,
      attempts_max: 3,
    });
    const before = functionsOf(templatesOf('prod').app).find(({ id }) => id === asking[0]?.id);
    expect(asking[0]?.Timeout).toBe((before?.Timeout ?? 0) + 10);
  });

  test('the longest judge still ends before API Gateway gives up after 30 s', () => {
    const { app: slow } = synthesise('prod', { judge: { ...nova, timeoutSeconds: 12 } });
    for (const { id, Timeout } of functionsOf(slow).filter((lambda) => /Api/.test(lambda.id))) {
      expect({ id, inTime: Timeout <= 29 }).toEqual({ id, inTime: true });
    }
  });

  test('failures are counted from the log, and more than a few raise an alarm', () => {
    const filters = propertiesOf(
      app,
      'AWS::Logs::MetricFilter',
      z.object({ FilterPattern: z.string(), MetricTransformations: z.array(z.unknown()) }),
    );
    expect(filters).toMatchObject([
      {
        FilterPattern: '{ $.judgeFailure = "*" }',
        MetricTransformations: [
          {
            MetricNamespace: 'Mothership',
            MetricName: 'JudgeFailures',
            MetricValue: '1',
            Dimensions: [{ Key: 'stage', Value: '$.stage' }],
          },
        ],
      },
    ]);
    const alarms = propertiesOf(
      app,
      'AWS::CloudWatch::Alarm',
      z.object({ MetricName: z.string(), Dimensions: z.array(z.unknown()), AlarmDescription: z.string() }),
    ).filter(({ MetricName }) => MetricName === 'JudgeFailures');
    expect(alarms).toMatchObject([
      {
        Dimensions: [{ Name: 'stage', Value: 'prod' }],
        AlarmDescription: expect.stringContaining('docs/runbook.md#judge-gives-no-opinion'),
      },
    ]);
  });
});

test.each<[string, Partial<JudgeConfig>, string]>([
  ['no known price', { modelId: 'acme.thinker-v1:0' }, 'knows no price of acme.thinker-v1:0 at AWS'],
  ['too little time', { timeoutSeconds: 0 }, 'timeoutSeconds must be a whole number from 1 to 12'],
  ['too much time', { timeoutSeconds: 13 }, 'timeoutSeconds must be'],
  ['no attempt', { attempts: 0 }, 'attempts must be a whole number from 1 to 5'],
  ['a wildcard', { modelId: '*' }, '"*" is no id of a model or profile'],
  [
    'a wildcard for its model',
    { profileOf: { modelId: 'amazon.*', regions: ['eu-west-1'] } },
    '"amazon.*" is no id',
  ],
  [
    'a profile of nothing',
    { modelId: 'arn:aws:bedrock:eu-west-1:1:inference-profile/x' },
    'say in profileOf',
  ],
  ['a profile to nowhere', { profileOf: { modelId: 'a.b', regions: [] } }, 'must name the regions'],
])('a judge with %s is refused at synthesis', (_, wrong, message) => {
  expect(() => synthesise('prod', { judge: { ...nova, ...wrong } })).toThrow(message);
});

test("a model that the operator's table is to price needs no price of the library's", () => {
  const judge: JudgeConfig = { ...nova, modelId: 'acme.thinker-v1:0', price: 'operator' };
  expect(() => synthesise('prod', { judge })).not.toThrow();
});

test.each([
  ['{"timeout_ms": 1, "attempts_max": 1}', 'JUDGE: modelId must be a string'],
  ['{"modelId": "a", "timeout_ms": "1", "attempts_max": 1}', 'JUDGE: timeout_ms must be a number'],
])('a function that is given the setting %s does not ask', (JUDGE, message) => {
  expect(() => judgeSettings({ JUDGE })).toThrow(message);
});
