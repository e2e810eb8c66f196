import { describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { type StageName, stageConfig, stageNames } from '../../infra/config.ts';
import { propertiesOf, resourcesOf, synthesise, templatesOf, valuesUnder } from './template.ts';

const deployedStages = stageNames.filter((stage) => stage !== 'local');

describe('every stage', () => {
  test.each(stageNames)('%s keeps the rules of cdk-nag', (stage) => {
    expect(() => synthesise(stage, { checkRules: true })).not.toThrow();
  });

  test('prod keeps them also with someone subscribed to the alarms', () => {
    const { data } = synthesise('prod', { checkRules: true, context: { alarmEmail: 'oncall@example.com' } });
    expect(propertiesOf(data, 'AWS::SNS::Subscription', z.object({ Protocol: z.string() }))).toMatchObject([
      { Protocol: 'email' },
    ]);
  });

  test.each(['production', '', undefined])(
    'stage %p does not exist, and the error says which do',
    (stage) => {
      expect(() => stageConfig(stage)).toThrow(/local, dev, staging, prod/);
    },
  );
});

describe('virtual time', () => {
  test('is allowed on the local stage', () => {
    expect(valuesUnder('VIRTUAL_TIME', templatesOf('local').app)).toContain('allowed');
  });

  test.each(deployedStages)('is unknown on %s', (stage) => {
    expect(JSON.stringify(templatesOf(stage))).not.toContain('VIRTUAL_TIME');
  });
});

describe('the two stacks', () => {
  test('the local stage has no Data stack and imports the application secret alone', () => {
    const { app, data } = templatesOf('local');
    expect(data).toBeNull();
    expect(new Set(valuesUnder('Fn::ImportValue', app))).toEqual(
      new Set(['MothershipData-local:ApplicationSecretArn']),
    );
  });

  test.each(deployedStages)('on %s the Data stack exports whatever the App stack imports', (stage) => {
    const { app, data } = templatesOf(stage);
    const exported = Object.values(data?.Outputs ?? {}).map((output) => output.Export?.Name);
    for (const imported of valuesUnder('Fn::ImportValue', app)) expect(exported).toContain(imported);
  });

  test.each(deployedStages)('on %s every function lives in the VPC', (stage) => {
    const { app } = templatesOf(stage);
    for (const [id, { Properties }] of resourcesOf(app, 'AWS::Lambda::Function')) {
      expect({ id, vpc: Properties.VpcConfig }).toEqual({
        id,
        vpc: { SubnetIds: expect.any(Array), SecurityGroupIds: expect.any(Array) },
      });
    }
  });
});

describe('the events tap', () => {
  const queueNames = (stage: StageName): string[] =>
    propertiesOf(templatesOf(stage).app, 'AWS::SQS::Queue', z.object({ QueueName: z.string() })).map(
      ({ QueueName }) => QueueName,
    );

  test('gives the local stage a queue with every event', () => {
    expect(queueNames('local')).toContain('mothership-local-events-tap');
    const patterns = valuesUnder('EventPattern', templatesOf('local').app);
    expect(patterns).toContainEqual({ source: ['mothership'] });
  });

  test.each(deployedStages)('is absent on %s', (stage) => {
    expect(queueNames(stage).filter((name) => name.includes('events-tap'))).toEqual([]);
  });
});
