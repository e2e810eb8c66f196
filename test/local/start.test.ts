import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { expect, test } from '@jest/globals';
import { type FixtureTemplate, startFixture } from './fixture.ts';

type Change = (resources: FixtureTemplate['Resources']) => void;

function setProperty(logicalId: string, property: string, value: unknown): Change {
  return (resources) => {
    const resource = resources[logicalId];
    if (resource === undefined) throw new Error(`the fixture has no ${logicalId}`);
    resource.Properties[property] = value;
  };
}

const refusals: { name: string; change: Change; message: string | RegExp }[] = [
  {
    name: 'an unknown resource type',
    change: (resources) => {
      resources.Table = { Type: 'AWS::DynamoDB::Table', Properties: {} };
    },
    message: 'Table: the local stage does not know the resource type AWS::DynamoDB::Table',
  },
  {
    name: 'an unknown property of a known type',
    change: setProperty('WorkQueue', 'FifoThroughputLimit', 'perQueue'),
    message: 'WorkQueue (AWS::SQS::Queue): the local stage does not know FifoThroughputLimit',
  },
  {
    name: 'an unknown property deep inside',
    change: setProperty('WorkMapping', 'ScalingConfig', { MaximumConcurrency: 2, MinimumPollers: 1 }),
    message:
      'WorkMapping (AWS::Lambda::EventSourceMapping): the local stage does not know ScalingConfig.MinimumPollers',
  },
  {
    name: 'an unknown intrinsic function',
    change: setProperty('WorkQueue', 'QueueName', { 'Fn::Base64': 'x' }),
    message: 'WorkQueue.Properties.QueueName: Fn::Base64 is not known',
  },
  {
    name: 'a reference to nothing',
    change: setProperty('WorkMapping', 'FunctionName', { Ref: 'Nobody' }),
    message: 'WorkMapping.Properties.FunctionName: Ref to Nobody',
  },
  {
    name: 'an unknown attribute',
    change: setProperty('WorkMapping', 'EventSourceArn', { 'Fn::GetAtt': ['WorkQueue', 'Colour'] }),
    message: 'attribute Colour of WorkQueue',
  },
  {
    name: 'an unknown operator of an event pattern',
    change: setProperty('NewsRule', 'EventPattern', { detail: { a: [{ regex: 'x' }] } }),
    message: 'NewsRule: event pattern: detail.a.regex is not a known operator',
  },
  {
    name: 'a schedule by cron',
    change: setProperty('TickRule8A1B2C3D', 'ScheduleExpression', 'cron(0 0 * * ? *)'),
    message: 'TickRule8A1B2C3D: the local stage knows only rate(…) schedules',
  },
  {
    name: 'a consumer whose role may not read its queue',
    change: (resources) => {
      delete resources.ConsumerPolicy;
    },
    message: 'WorkMapping: the role of Consumer does not allow sqs:ReceiveMessage',
  },
  {
    name: 'a target outside the stack',
    change: setProperty('NewsRule', 'Targets', [{ Id: 'Far', Arn: 'arn:aws:sns:us-east-1:1:topic' }]),
    message: 'NewsRule target Far: arn:aws:sns:us-east-1:1:topic is neither a queue nor a function',
  },
  {
    name: 'an input template with a placeholder that no path defines',
    change: setProperty('NewsRule', 'Targets', [
      {
        Id: 'R',
        Arn: { 'Fn::GetAtt': ['Recorder', 'Arn'] },
        InputTransformer: { InputTemplate: '{"a":<b>}' },
      },
    ]),
    message: 'NewsRule target R: the input template uses <b>',
  },
];

test.each(refusals)('$name stops the start and is named', async ({ change, message }) => {
  await expect(startFixture({ change: ({ Resources }) => change(Resources) })).rejects.toThrow(message);
});

test('a generated secret is kept from start to start', async () => {
  const generatedValue = async (dataFolder?: string) => {
    const stage = await startFixture(dataFolder === undefined ? {} : { dataFolder });
    const input = { SecretId: 'TheSecret' };
    const { body } = await stage.post('/v1/calls', { service: 'getSecret', input });
    await stage.stop();
    return (body as { answer: { SecretString: string } }).answer.SecretString;
  };
  const dataFolder = mkdtempSync(`${tmpdir()}/mothership-local-`);
  try {
    const first = await generatedValue(dataFolder);
    expect(JSON.parse(first)).toEqual({
      username: 'app',
      password: expect.stringMatching(/^[A-Za-z0-9]{20}$/),
    });
    expect(await generatedValue(dataFolder)).toBe(first);
  } finally {
    rmSync(dataFolder, { recursive: true });
  }
});

test('a stage that is busy stops within two seconds', async () => {
  const stage = await startFixture();
  const underWay = stage.invoke('Behave', { body: JSON.stringify({ kind: 'sleep', milliseconds: 60_000 }) });
  const startedAtMs = Date.now();
  await stage.stop();
  expect(Date.now() - startedAtMs).toBeLessThan(2_000);
  expect(await underWay).toMatchObject({ ok: false });
  await expect(fetch(stage.baseUrl)).rejects.toThrow();
});
