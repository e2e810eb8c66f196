import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually, type FixtureStage, importedSecretArn, startFixture } from './fixture.ts';

let stage: FixtureStage;

beforeAll(async () => {
  stage = await startFixture();
});

afterAll(() => stage.stop());

function event(detailType: string, detail: unknown, source = 'shop') {
  return {
    Source: source,
    DetailType: detailType,
    Detail: JSON.stringify(detail),
    EventBusName: 'fixture-bus',
  };
}

describe('functions', () => {
  test('know themselves, their time and their stage', async () => {
    const { body: context } = await stage.post('/v1/behave', { kind: 'context' });
    expect(context).toMatchObject({
      functionName: 'Behave',
      invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:Behave',
      remainingMs: expect.any(Number),
    });
    const { remainingMs } = context as { remainingMs: number };
    expect(remainingMs).toBeGreaterThan(500);
    expect(remainingMs).toBeLessThanOrEqual(1000);
  });

  test('see the variables of the template and nothing of the machine', async () => {
    const { body } = await stage.post('/v1/behave', { kind: 'environment' });
    expect(body).toMatchObject({ NODE_OPTIONS: '--enable-source-maps', AWS_REGION: 'us-east-1', TZ: 'UTC' });
    expect(body).not.toHaveProperty('HOME');
  });

  test('that outlast their timeout end with the error of AWS', async () => {
    const payload = { body: JSON.stringify({ kind: 'sleep', milliseconds: 60_000 }) };
    const invocation = await stage.invoke('Behave', payload);
    expect(invocation).toMatchObject({
      ok: false,
      error: {
        errorType: 'Sandbox.Timedout',
        errorMessage: expect.stringMatching(/Task timed out after 1\.00 seconds$/),
      },
    });
  });

  const crashes = [
    { name: 'an exit', payload: { kind: 'crash' }, message: /exit status 7/ },
    {
      name: 'a stray rejection',
      payload: { kind: 'stray', milliseconds: 500 },
      message: /a stray rejection/,
    },
  ];
  test.each(crashes)(
    'that crash by $name fail the invocation and are replaced',
    async ({ payload, message }) => {
      const invocation = await stage.invoke('Behave', { body: JSON.stringify(payload) });
      expect(invocation).toMatchObject({
        ok: false,
        error: { errorType: 'Runtime.ExitError', errorMessage: expect.stringMatching(message) },
      });
      const next = await stage.invoke('Behave', { body: JSON.stringify({ kind: 'return', value: 'alive' }) });
      expect(next).toMatchObject({ ok: true, payload: 'alive' });
    },
  );
});

test('a function whose host is lost fails the event under way, and serves the next one anew', async () => {
  const behave = (payload: object) => stage.invoke('Behave', { body: JSON.stringify(payload) });
  await behave({ kind: 'return', value: 'warm' });
  const underWay = behave({ kind: 'sleep', milliseconds: 60_000 });
  await stage.crash('Behave');
  expect(await underWay).toMatchObject({ ok: false, error: { errorType: 'Runtime.ExitError' } });
  expect(await behave({ kind: 'return', value: 'alive' })).toMatchObject({ ok: true, payload: 'alive' });
});

describe('a function may call what its role allows', () => {
  const allowedUrl = () => stage.queueUrl('fixture-allowed');
  const forbiddenUrl = () => stage.queueUrl('ForbiddenQueue');
  const cases = [
    {
      name: 'a message to an allowed queue',
      call: () => ({ service: 'sendMessage', input: { QueueUrl: allowedUrl(), MessageBody: 'hello' } }),
      answer: { answer: { MessageId: expect.any(String) } },
    },
    {
      name: 'a batch to an allowed queue, which IAM knows as the single call',
      call: () => ({
        service: 'sendMessageBatch',
        input: { QueueUrl: allowedUrl(), Entries: [{ Id: 'a', MessageBody: 'hello' }] },
      }),
      answer: { answer: { Successful: [expect.objectContaining({ Id: 'a' })] } },
    },
    {
      name: 'not a message to another queue',
      call: () => ({ service: 'sendMessage', input: { QueueUrl: forbiddenUrl(), MessageBody: 'hello' } }),
      answer: {
        error: 'AccessDeniedException',
        message: expect.stringMatching(
          /Caller.*sqs:SendMessage.*arn:aws:sqs:us-east-1:000000000000:ForbiddenQueue/,
        ),
      },
    },
    {
      name: 'an event to its bus',
      call: () => ({ service: 'putEvents', input: { Entries: [event('nothing listens', {})] } }),
      answer: { answer: { FailedEntryCount: 0, Entries: [{ EventId: expect.any(String) }] } },
    },
    {
      name: 'not an event to another bus',
      call: () => ({
        service: 'putEvents',
        input: { Entries: [{ ...event('x', {}), EventBusName: 'default' }] },
      }),
      answer: {
        error: 'AccessDeniedException',
        message: expect.stringMatching(/Caller.*events:PutEvents.*event-bus\/default/),
      },
    },
    {
      name: 'the value of an imported secret',
      call: () => ({ service: 'getSecret', input: { SecretId: importedSecretArn } }),
      answer: { answer: { SecretString: '{"host":"127.0.0.1"}' } },
    },
    {
      name: 'not the value of another secret',
      call: () => ({
        service: 'getSecret',
        input: { SecretId: 'arn:aws:secretsmanager:us-east-1:1:secret:other' },
      }),
      answer: {
        error: 'AccessDeniedException',
        message: expect.stringContaining('secretsmanager:GetSecretValue'),
      },
    },
  ];
  test.each(cases)('$name', async ({ call, answer }) => {
    expect((await stage.post('/v1/calls', call())).body).toMatchObject(answer);
  });
});

describe('queues', () => {
  test('a batch loses what succeeded; what keeps failing goes to the dead-letter queue', async () => {
    await stage.send('WorkQueue', 'good', 'poison', 'fine');
    const dead = await stage.receive('WorkDeadLetters');
    expect(dead.map(({ body }) => body)).toEqual(['poison']);
    const bodies = stage.printed('Consumer').flatMap(({ batch }) => batch as string[]);
    // maxReceiveCount is 2: the poisoned one is tried twice, the others once.
    expect(bodies.toSorted()).toEqual(['fine', 'good', 'poison', 'poison']);
  });

  test('records have the form of SQS', () => {
    const record = stage.printed('Consumer')[0]?.first;
    expect(record).toMatchObject({
      messageId: expect.any(String),
      receiptHandle: expect.any(String),
      attributes: { ApproximateReceiveCount: '1', SentTimestamp: expect.stringMatching(/^\d+$/) },
      messageAttributes: {},
      eventSource: 'aws:sqs',
      eventSourceARN: 'arn:aws:sqs:us-east-1:000000000000:WorkQueue',
      awsRegion: 'us-east-1',
    });
  });

  test('a report that names no message of the batch fails the whole batch', async () => {
    await stage.send('MisreportQueue', 'one');
    expect((await stage.receive('MisreportDeadLetters')).map(({ body }) => body)).toEqual(['one']);
  });
});

describe('event bus', () => {
  test('a matching event reaches a queue as an envelope, and transformed', async () => {
    const { Entries } = stage.eventBus.putEvents([
      event('order', { amount: 10, customer: { name: 'nobody' } }),
      event('order', { amount: 11, customer: { name: 'Ann "A" B' } }),
    ]);
    const [received] = await stage.receive('Inbox');
    expect(JSON.parse(received?.body ?? '')).toEqual({
      version: '0',
      id: Entries[1] && 'EventId' in Entries[1] ? Entries[1].EventId : 'none',
      'detail-type': 'order',
      source: 'shop',
      account: '000000000000',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      region: 'us-east-1',
      resources: [],
      detail: { amount: 11, customer: { name: 'Ann "A" B' } },
    });
    const [transformed] = await stage.receive('TransformedInbox');
    expect(JSON.parse(transformed?.body ?? '')).toEqual({
      amount: 11,
      name: 'Ann "A" B',
      text: 'order of Ann "A" B for 11',
      missing: '',
      rule: 'OrdersRule',
    });
  });

  test('an event that a queue refuses goes to the dead-letter queue of the target', async () => {
    stage.eventBus.putEvents([event('order', { amount: 12, note: 'x'.repeat(2000) })]);
    const [message] = await stage.receive('UndeliveredEvents');
    expect(message?.attributes).toMatchObject({
      RULE_ARN: expect.stringContaining('OrdersRule'),
      TARGET_ARN: 'arn:aws:sqs:us-east-1:000000000000:SmallQueue',
    });
    expect(JSON.parse(message?.body ?? '').detail.amount).toBe(12);
  });

  test('an event reaches a function', async () => {
    stage.eventBus.putEvents([event('news', { headline: 'hello' })]);
    const printed = await eventually(() =>
      stage.printed('Recorder').find((line) => JSON.stringify(line).includes('hello')),
    );
    expect(printed).toMatchObject({ recorded: { 'detail-type': 'news', detail: { headline: 'hello' } } });
  });

  test('a function that fails is tried three times, then reported and put aside', async () => {
    stage.eventBus.putEvents([event('alarm', { number: 5 })]);
    const [report] = await stage.receive('Failures');
    expect(JSON.parse(report?.body ?? '')).toMatchObject({
      requestContext: { condition: 'RetriesExhausted', approximateInvokeCount: 3 },
      requestPayload: { number: 5 },
      responseContext: { functionError: 'Unhandled' },
      responsePayload: { errorType: 'Error', errorMessage: 'never works' },
    });
    const [dead] = await stage.receive('FlakyDeadLetters');
    expect(dead).toMatchObject({ body: '{"number":5}', attributes: { ErrorMessage: 'never works' } });
    expect(stage.printed('Flaky')).toHaveLength(3);
  });

  const faults = [
    { name: 'no source', entry: { ...event('x', {}), Source: '' }, code: 'InvalidArgument' },
    { name: 'no detail type', entry: event('', {}), code: 'InvalidArgument' },
    { name: 'no detail', entry: { Source: 's', DetailType: 'd' }, code: 'InvalidArgument' },
    { name: 'a detail that is no object', entry: event('x', 7), code: 'MalformedDetail' },
    { name: 'a source of AWS', entry: event('x', {}, 'aws.ec2'), code: 'NotAuthorizedForSourceException' },
  ];
  test.each(faults)('an entry with $name fails alone', ({ entry, code }) => {
    const result = stage.eventBus.putEvents([entry, event('fine', {})]);
    expect(result).toEqual({
      FailedEntryCount: 1,
      Entries: [{ ErrorCode: code, ErrorMessage: expect.any(String) }, { EventId: expect.any(String) }],
    });
  });

  test('more than ten entries are refused together', () => {
    const entries = Array.from({ length: 11 }, () => event('x', {}));
    expect(() => stage.eventBus.putEvents(entries)).toThrow('ValidationException');
  });

  test('an event to an unknown bus is accepted and lost, as on AWS, with a line that says so', () => {
    const result = stage.eventBus.putEvents([{ ...event('x', {}), EventBusName: 'misspelt' }]);
    expect(result.FailedEntryCount).toBe(0);
    expect(stage.lines).toContainEqual(expect.stringContaining('misspelt'));
  });
});

describe('schedules', () => {
  test('a scheduled rule runs on demand, by the id of its construct', async () => {
    await stage.runSchedule('TickRule');
    const [tick] = await stage.receive('Ticks');
    expect(JSON.parse(tick?.body ?? '')).toMatchObject({
      source: 'aws.events',
      'detail-type': 'Scheduled Event',
      detail: {},
    });
    await eventually(() => stage.printed('Recorder').find((line) => JSON.stringify(line).includes('"tick"')));
  });

  test('so does a schedule of EventBridge Scheduler', async () => {
    await stage.runSchedule('NightlySchedule');
    await eventually(() =>
      stage.printed('Recorder').find((line) => JSON.stringify(line).includes('schedule/default/')),
    );
  });

  test('an unknown one is refused with the names of those that exist', async () => {
    expect(() => stage.runSchedule('Nothing')).toThrow('TickRule8A1B2C3D, NightlySchedule');
  });
});
