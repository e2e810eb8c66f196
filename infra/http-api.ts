import { Duration, Validations } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import {
  HttpApi,
  HttpMethod,
  HttpNoneAuthorizer,
  type HttpRoute,
  HttpStage,
  LogGroupLogDestination,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaAuthorizer, HttpLambdaResponseType } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { type ApiFunction, routes } from '../shared/platform/routes.ts';
import type { StageConfig } from './config.ts';

export type MothershipHttpApi = { readonly api: HttpApi; readonly stage: HttpStage };

/** The HTTP API with every route of the contract; all but public ones pass the authorizer. */
export function httpApi(
  scope: Construct,
  config: StageConfig,
  functions: { readonly authorizer: IFunction } & { readonly [F in ApiFunction]: IFunction },
): MothershipHttpApi {
  const api = new HttpApi(scope, 'HttpApi', {
    apiName: `mothership-${config.stage}`,
    createDefaultStage: false,
  });
  const authorizer = new HttpLambdaAuthorizer('KeyAuthorizer', functions.authorizer, {
    responseTypes: [HttpLambdaResponseType.SIMPLE],
    identitySource: ['$request.header.Authorization'],
    // How long a revoked key may still work.
    resultsCacheTtl: Duration.seconds(60),
  });
  const anyone = new HttpNoneAuthorizer();

  for (const [name, routesOfFunction] of Map.groupBy(routes, (route) => route.function)) {
    const integration = new HttpLambdaIntegration(`${name}Integration`, functions[name], {
      // One permission per function: one per route would near the size limit of a function's policy.
      scopePermissionToRoute: false,
    });
    for (const { method, path, scope: keyScope } of routesOfFunction) {
      const isPublic = keyScope === 'public';
      const added = api.addRoutes({
        path,
        methods: [HttpMethod[method]],
        integration,
        authorizer: isPublic ? anyone : authorizer,
      });
      if (isPublic) acknowledgePublic(added);
    }
  }
  return { api, stage: defaultStage(scope, config, api) };
}

function acknowledgePublic(added: readonly HttpRoute[]): void {
  for (const route of added) {
    Validations.of(route).acknowledge({
      id: 'AwsSolutions-APIG4',
      reason: 'The contract opens this route to callers without a key; it tells nothing about tenants.',
    });
  }
}

function defaultStage(scope: Construct, config: StageConfig, api: HttpApi): HttpStage {
  const accessLog = new LogGroup(scope, 'HttpApiAccessLog', {
    // Under this prefix API Gateway needs no statement of its own in the account's log policy, which has a size limit.
    logGroupName: `/aws/vendedlogs/mothership/${config.stage}/http-api`,
    retention: config.logRetention,
    removalPolicy: config.logRemovalPolicy,
  });
  return new HttpStage(scope, 'HttpApiStage', {
    httpApi: api,
    stageName: '$default',
    autoDeploy: true,
    throttle: {
      rateLimit: config.httpThrottle.requestsPerSecond,
      burstLimit: config.httpThrottle.burstRequests,
    },
    accessLogSettings: {
      destination: new LogGroupLogDestination(accessLog),
      format: AccessLogFormat.custom(JSON.stringify(accessLogFields)),
    },
  });
}

const accessLogFields = {
  requestId: '$context.requestId',
  time: '$context.requestTimeEpoch',
  routeKey: '$context.routeKey',
  path: '$context.path',
  status: '$context.status',
  responseLatencyMs: '$context.responseLatency',
  integrationLatencyMs: '$context.integrationLatency',
  integrationError: '$context.integrationErrorMessage',
  authorizerError: '$context.authorizer.error',
  tenantId: '$context.authorizer.tenantId',
  keyId: '$context.authorizer.keyId',
  ip: '$context.identity.sourceIp',
  userAgent: '$context.identity.userAgent',
};
