/** The publisher over the real SDK, against a local endpoint that answers as AWS documents it. */

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { awsPublisher, type Publisher } from '../../shared/coordination/queues.ts';

type Sent = { readonly target: string; readonly body: Record<string, unknown> };

const sent: Sent[] = [];
let server: Server;
let publisher: Publisher;

/** Takes all but the second entry. */
function answerTo(target: string): Record<string, unknown> {
  return target === 'AWSEvents.PutEvents'
    ? {
        FailedEntryCount: 1,
        Entries: [{ EventId: 'a' }, { ErrorCode: 'ThrottlingException' }, { EventId: 'c' }],
      }
    : {
        Successful: ['0', '2'].map((Id) => ({
          Id,
          MessageId: `m${Id}`,
          MD5OfMessageBody: '99914b932bd37a50b983c5e7c90ae93b',
        })),
        Failed: [{ Id: '1', Code: 'InternalError', SenderFault: false }],
      };
}

const environment: Record<string, string> = {
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
};
const before = { ...process.env };

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const target = String(request.headers['x-amz-target']);
      sent.push({
        target,
        body: JSON.parse(Buffer.concat(chunks).toString('utf8')) as Record<string, unknown>,
      });
      response.setHeader('content-type', 'application/x-amz-json-1.1');
      response.end(JSON.stringify(answerTo(target)));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  Object.assign(process.env, environment, { AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` });
  publisher = awsPublisher({
    eventBusName: 'mothership-test',
    taskQueueUrls: [0, 1, 2, 3].map((taskClass) => `http://queues.invalid/000000000000/tasks-p${taskClass}`),
  });
});

afterAll(async () => {
  for (const name of [...Object.keys(environment), 'AWS_ENDPOINT_URL']) {
    if (before[name] === undefined) delete process.env[name];
    else process.env[name] = before[name];
  }
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test('an event that the bus did not take is told by its index', async () => {
  const occurredAt = new Date('2026-11-22T12:00:00.000Z');
  const events = ['budget-alert', 'task-granted', 'run-queued'].map((detailType) => ({
    detailType,
    detail: '{}',
    occurredAt,
  }));
  expect(await publisher.publishEvents(events)).toEqual([true, false, true]);
  expect(sent.at(-1)).toMatchObject({
    target: 'AWSEvents.PutEvents',
    body: {
      Entries: events.map(({ detailType }) => ({
        EventBusName: 'mothership-test',
        Source: 'mothership',
        DetailType: detailType,
        Detail: '{}',
      })),
    },
  });
});

test('a doorbell goes to the queue of its class with its tenant as group, whatever the host of the queue URL', async () => {
  const doorbells = ['tenant-a', 'tenant-b', 'tenant-a'].map((tenantId) => ({ tenantId, body: '{}' }));
  expect(await publisher.ringDoorbells(2, doorbells)).toEqual([true, false, true]);
  expect(sent.at(-1)).toMatchObject({
    target: 'AmazonSQS.SendMessageBatch',
    body: {
      QueueUrl: 'http://queues.invalid/000000000000/tasks-p2',
      Entries: doorbells.map(({ tenantId }) => ({ MessageBody: '{}', MessageGroupId: tenantId })),
    },
  });
});

test('a class without a queue is a fault of ours', async () => {
  await expect(publisher.ringDoorbells(4, [])).rejects.toThrow('There is no queue for class 4');
});
