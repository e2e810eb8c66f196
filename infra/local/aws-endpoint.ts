/**
 * The endpoint that the AWS SDK talks to: SQS, EventBridge and Secrets Manager over its JSON protocol. Every call
 * is checked against the policies of the caller's role. Signatures are not verified: the access key only says who
 * calls, and the endpoint listens on this machine alone.
 */

import type { IncomingMessage } from 'node:http';
import * as z from 'zod';
import { busNameOf, type EventBus } from './event-bus.ts';
import { accountId, eventBusArn, type Place, queueArnFromUrl } from './identities.ts';
import type { LambdaFunctions } from './lambda-functions.ts';
import { type RequestHandler, readBody } from './loopback-server.ts';
import type { MayCall } from './permissions.ts';
import type { Queues } from './queues.ts';
import type { FindSecret } from './secrets.ts';

/** Access key that may call everything: for people and tests outside the functions. */
export const administratorAccessKey = 'local-administrator';

const maxRequestBytes = 2 * 1024 * 1024;

export type AwsEndpointInput = {
  place: Place;
  functions: LambdaFunctions;
  queues: Queues;
  eventBus: EventBus;
  findSecret: FindSecret;
  mayCall: MayCall;
  log: (line: string) => void;
};

type Answer = { statusCode: number; headers?: Record<string, string>; body: string };

/** What a call needs of the caller's role: an action on each of these resources. */
type Need = { action: string; resourceArns: string[] };

export function createAwsEndpoint(input: AwsEndpointInput): RequestHandler {
  const { place, functions, queues, eventBus, findSecret, mayCall, log } = input;

  /** Undefined when the caller may; otherwise the refusal. */
  function refusal(accessKey: string, { action, resourceArns }: Need): Answer | undefined {
    if (accessKey === administratorAccessKey) return undefined;
    const lambda = functions.byAccessKey(accessKey);
    if (lambda === undefined) {
      return fault('UnrecognizedClientException', 'The security token included in the request is invalid.');
    }
    const denied = resourceArns.find((arn) => !mayCall(lambda.spec.roleName, action, arn));
    if (denied === undefined) return undefined;
    const caller = `arn:aws:sts::${accountId}:assumed-role/${lambda.spec.roleName}/${lambda.spec.functionName}`;
    const message = `User: ${caller} is not authorized to perform: ${action} on resource: ${denied} because no identity-based policy allows the ${action} action`;
    log(`[${lambda.spec.logicalId}] AccessDenied: ${action} on ${denied}`);
    return fault('AccessDeniedException', message);
  }

  async function answer(target: string, accessKey: string, body: string): Promise<Answer> {
    const [service = '', operation = ''] = target.split('.');
    if (service === 'AmazonSQS') {
      const { QueueUrl, QueueName } = z
        .object({ QueueUrl: z.string().optional(), QueueName: z.string().optional() })
        .parse(JSON.parse(body));
      const resourceArns = [queueArnFromUrl(QueueUrl ?? QueueName ?? '*', place)];
      // IAM knows the batch calls under the names of the single ones.
      const need = { action: `sqs:${operation.replace(/Batch$/, '')}`, resourceArns };
      return refusal(accessKey, need) ?? queues.call(operation, body);
    }
    if (target === 'AWSEvents.PutEvents') {
      const request = eventBus.read(body);
      if ('code' in request) return fault(request.code, request.message);
      const busArns = request.Entries.map(({ EventBusName }) => eventBusArn(busNameOf(EventBusName), place));
      const need = { action: 'events:PutEvents', resourceArns: [...new Set(busArns)] };
      return refusal(accessKey, need) ?? success(eventBus.put(request));
    }
    if (target === 'secretsmanager.GetSecretValue') {
      const { SecretId } = z.object({ SecretId: z.string() }).parse(JSON.parse(body));
      const secret = findSecret(SecretId);
      const need = { action: 'secretsmanager:GetSecretValue', resourceArns: [secret?.arn ?? SecretId] };
      return (
        refusal(accessKey, need) ??
        (secret === undefined
          ? fault('ResourceNotFoundException', "Secrets Manager can't find the specified secret.")
          : success({
              ARN: secret.arn,
              Name: secret.name,
              SecretString: secret.value,
              VersionId: '00000000-0000-0000-0000-000000000000',
              VersionStages: ['AWSCURRENT'],
            }))
      );
    }
    return fault(
      'UnknownOperationException',
      `the local stage does not serve ${target || 'a call without a target'}`,
    );
  }

  return async (request, response) => {
    const body = await readBody(request, maxRequestBytes);
    const target = String(request.headers['x-amz-target'] ?? '');
    const result =
      body === undefined
        ? fault('RequestEntityTooLarge', `the request is larger than ${maxRequestBytes} bytes`)
        : await answer(target, accessKeyOf(request), body.toString('utf8'));
    response.writeHead(result.statusCode, {
      'content-type': 'application/x-amz-json-1.1',
      ...result.headers,
    });
    response.end(result.body);
  };
}

function accessKeyOf(request: IncomingMessage): string {
  return /Credential=([^/,\s]+)\//.exec(request.headers.authorization ?? '')?.[1] ?? '';
}

function success(body: unknown): Answer {
  return { statusCode: 200, body: JSON.stringify(body) };
}

function fault(code: string, message: string): Answer {
  return {
    statusCode: 400,
    headers: { 'x-amzn-errortype': code },
    body: JSON.stringify({ __type: code, message }),
  };
}
