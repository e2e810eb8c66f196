import { describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { routes } from '../../shared/platform/routes.ts';
import { pointer, propertiesOf, templatesOf, valuesUnder } from './template.ts';

const { app: template } = templatesOf('prod');

describe('HTTP API', () => {
  const synthesised = propertiesOf(
    template,
    'AWS::ApiGatewayV2::Route',
    z.object({
      RouteKey: z.string(),
      AuthorizationType: z.string(),
      AuthorizerId: pointer.optional(),
      Target: z.unknown(),
    }),
  );
  const [authorizer] = propertiesOf(template, 'AWS::ApiGatewayV2::Authorizer', z.looseObject({}));

  test('has no route beyond the contract', () => {
    expect(synthesised).toHaveLength(routes.length);
  });

  test.each(routes)('$method $path goes to $function for $scope keys', (route) => {
    const found = synthesised.find(({ RouteKey }) => RouteKey === `${route.method} ${route.path}`);
    expect(found).toMatchObject(
      route.scope === 'public'
        ? { AuthorizationType: 'NONE' }
        : { AuthorizationType: 'CUSTOM', AuthorizerId: authorizer?.id },
    );
    const [integrationId] = valuesUnder('Ref', found?.Target);
    const integration = JSON.stringify(template.Resources[String(integrationId)]);
    expect(integration.toLowerCase()).toContain(`"${route.function}api`);
  });

  test('asks the authorizer for simple answers and believes them for 60 s', () => {
    expect(authorizer).toMatchObject({
      AuthorizerType: 'REQUEST',
      AuthorizerPayloadFormatVersion: '2.0',
      EnableSimpleResponses: true,
      AuthorizerResultTtlInSeconds: 60,
      IdentitySource: ['$request.header.Authorization'],
    });
  });

  test('is throttled and writes an access log that names the tenant', () => {
    const stages = propertiesOf(
      template,
      'AWS::ApiGatewayV2::Stage',
      z.object({
        StageName: z.string(),
        AccessLogSettings: z.object({ Format: z.string() }),
        DefaultRouteSettings: z.object({ ThrottlingRateLimit: z.number(), ThrottlingBurstLimit: z.number() }),
      }),
    );
    expect(stages).toMatchObject([{ StageName: '$default' }]);
    expect(JSON.parse(stages[0]?.AccessLogSettings.Format ?? '')).toMatchObject({
      tenantId: '$context.authorizer.tenantId',
    });
  });
});
