/** Names, ARNs and attributes of the local stage's resources, in the shapes that AWS gives them. */

import type { Identity } from './intrinsics.ts';

/** The one account of the local stage; the queue server knows no other. */
export const accountId = '000000000000';

/** What identities depend on besides the resource itself. */
export type Place = {
  region: string;
  /** Base URL of the endpoint that serves SQS, without a trailing slash. */
  awsEndpointUrl: string;
  /** Base URL of the HTTP API, without a trailing slash. */
  apiUrl: string;
};

/** Stands for the generated id of the stack's only HTTP API. */
export const apiId = 'local';

type Naming = {
  /** The property that gives the resource its name; without one the logical id is its name. */
  nameProperty?: string;
  identify: (name: string, place: Place) => Identity;
};

const namings: Readonly<Record<string, Naming>> = {
  'AWS::SQS::Queue': {
    nameProperty: 'QueueName',
    identify: (name, place) => {
      const url = queueUrl(name, place);
      const attributes = { Arn: arn('sqs', name, place), QueueName: name, QueueUrl: url };
      return { ref: url, attributes };
    },
  },
  'AWS::Lambda::Function': {
    nameProperty: 'FunctionName',
    identify: (name, place) => ({ ref: name, attributes: { Arn: arn('lambda', `function:${name}`, place) } }),
  },
  'AWS::Events::EventBus': {
    nameProperty: 'Name',
    identify: (name, place) => ({ ref: name, attributes: { Arn: eventBusArn(name, place), Name: name } }),
  },
  'AWS::Events::Rule': {
    nameProperty: 'Name',
    identify: (name, place) => ({ ref: name, attributes: { Arn: arn('events', `rule/${name}`, place) } }),
  },
  'AWS::Scheduler::Schedule': {
    nameProperty: 'Name',
    identify: (name, place) => ({
      ref: name,
      attributes: { Arn: arn('scheduler', `schedule/default/${name}`, place) },
    }),
  },
  'AWS::SecretsManager::Secret': {
    nameProperty: 'Name',
    identify: (name, place) => {
      const secretArn = arn('secretsmanager', `secret:${name}-local0`, place);
      return { ref: secretArn, attributes: { Id: secretArn } };
    },
  },
  'AWS::IAM::Role': {
    nameProperty: 'RoleName',
    identify: (name) => ({
      ref: name,
      attributes: { Arn: `arn:aws:iam::${accountId}:role/${name}`, RoleId: name },
    }),
  },
  'AWS::ApiGatewayV2::Api': {
    identify: (_name, place) => ({ ref: apiId, attributes: { ApiId: apiId, ApiEndpoint: place.apiUrl } }),
  },
  'AWS::ApiGatewayV2::Authorizer': {
    identify: (name) => ({ ref: name, attributes: { AuthorizerId: name } }),
  },
};

const unnamed: Naming = {
  identify: (name, place) => ({ ref: name, attributes: { Arn: arn('local', name, place) } }),
};

/** The property that names resources of this type, if any; its value may itself be an intrinsic. */
export function namePropertyOf(type: string): string | undefined {
  return namings[type]?.nameProperty;
}

/** Identity of a resource of `type` called `name` (its logical id when nothing names it). */
export function identityOf(type: string, name: string, place: Place): Identity {
  return (namings[type] ?? unnamed).identify(name, place);
}

export function eventBusArn(name: string, place: Pick<Place, 'region'>): string {
  return arn('events', `event-bus/${name}`, place);
}

/** ARN of the queue that a queue URL names; only the URL's path counts. */
export function queueArnFromUrl(url: string, place: Pick<Place, 'region'>): string {
  return arn('sqs', url.split('/').at(-1) ?? '', place);
}

function queueUrl(name: string, place: Place): string {
  return `${place.awsEndpointUrl}/${accountId}/${name}`;
}

function arn(service: string, resource: string, place: Pick<Place, 'region'>): string {
  return `arn:aws:${service}:${place.region}:${accountId}:${resource}`;
}
