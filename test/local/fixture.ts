/** Starts the local stage on the hand-written fixture stack, or on a changed copy of it. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ReceiveMessageCommand, SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { type LocalRuntime, startLocalRuntime } from '../../infra/local/runtime.ts';

const fixtureFolder = path.join(import.meta.dirname, 'fixture');

export type FixtureTemplate = {
  Resources: Record<string, { Type: string; Properties: Record<string, unknown> }>;
};

export type FixtureStage = LocalRuntime & {
  dataFolder: string;
  /** Lines of the stage and of its functions, in order. */
  lines: string[];
  /** JSON objects that functions printed, with the logical id of their function. */
  printed: (logicalId: string) => Record<string, unknown>[];
  /** Posts JSON and answers status and parsed body. */
  post: (route: string, body: unknown) => Promise<{ status: number; body: unknown }>;
  send: (queue: string, ...bodies: string[]) => Promise<void>;
  /** Receives and deletes nothing: the next messages of a queue, waiting up to 5 s for the first. */
  receive: (queue: string) => Promise<{ body: string; attributes: Record<string, string> }[]>;
};

/** The imported secret that the fixture's functions may read. */
export const importedSecretArn = 'arn:aws:secretsmanager:us-east-1:000000000000:secret:application-AbCdEf';

/** Starts the fixture; `change` may alter the template first, `dataFolder` may be that of an earlier stage. */
export async function startFixture(
  options: { change?: (template: FixtureTemplate) => void; dataFolder?: string } = {},
): Promise<FixtureStage> {
  const temporary = mkdtempSync(path.join(tmpdir(), 'mothership-local-'));
  const dataFolder = options.dataFolder ?? path.join(temporary, 'data');
  const lines: string[] = [];
  const runtime = await startLocalRuntime({
    assemblyFolder: options.change ? changedAssembly(temporary, options.change) : fixtureFolder,
    stackName: 'Fixture',
    importValue: (name) => {
      if (name !== 'Data:SecretArn') throw new Error(`no export ${name}`);
      return importedSecretArn;
    },
    secrets: { [importedSecretArn]: '{"host":"127.0.0.1"}' },
    dataFolder,
    port: 0,
    log: (line) => lines.push(line),
    functionLog: (line) => lines.push(line),
    automaticSchedules: false,
    asyncRetryBaseMs: 10,
  });
  const { awsEndpointUrl: endpoint, credentials, region } = runtime;
  const sqs = new SQSClient({ endpoint, credentials, region, maxAttempts: 1 });
  return {
    ...runtime,
    dataFolder,
    lines,
    printed: (logicalId) =>
      lines
        .filter((line) => line.startsWith(`[${logicalId}] {`))
        .map((line) => JSON.parse(line.slice(logicalId.length + 3))),
    async post(route, body) {
      const response = await fetch(runtime.baseUrl + route, { method: 'POST', body: JSON.stringify(body) });
      const text = await response.text();
      return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
    },
    async send(queue, ...bodies) {
      const Entries = bodies.map((MessageBody, index) => ({ Id: String(index), MessageBody }));
      await sqs.send(new SendMessageBatchCommand({ QueueUrl: runtime.queueUrl(queue), Entries }));
    },
    async receive(queue) {
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({
          QueueUrl: runtime.queueUrl(queue),
          MaxNumberOfMessages: 10,
          WaitTimeSeconds: 5,
          MessageAttributeNames: ['All'],
        }),
      );
      return Messages.map(({ Body = '', MessageAttributes = {} }) => ({
        body: Body,
        attributes: Object.fromEntries(
          Object.entries(MessageAttributes).map(([name, { StringValue = '' }]) => [name, StringValue]),
        ),
      }));
    },
    async stop() {
      sqs.destroy();
      await runtime.stop();
      if (options.dataFolder === undefined) rmSync(temporary, { recursive: true });
    },
  };
}

function changedAssembly(folder: string, change: (template: FixtureTemplate) => void): string {
  const template = JSON.parse(readFileSync(path.join(fixtureFolder, 'Fixture.template.json'), 'utf8'));
  change(template);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'Fixture.template.json'), JSON.stringify(template));
  const asset = { source: { path: path.join(fixtureFolder, 'functions') } };
  writeFileSync(path.join(folder, 'Fixture.assets.json'), JSON.stringify({ files: { f1x7ure: asset } }));
  return folder;
}

/** The first value that `read` answers that is neither undefined nor false; throws after `timeoutMs`. */
export async function eventually<T>(read: () => T | undefined | false, timeoutMs = 5_000): Promise<T> {
  const deadlineMs = Date.now() + timeoutMs;
  for (;;) {
    const value = read();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > deadlineMs) throw new Error(`nothing came within ${timeoutMs} ms of ${read.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
