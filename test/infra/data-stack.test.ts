import { describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { pointer, propertiesOf, resourcesOf, templatesOf, valuesUnder } from './template.ts';

const prod = templatesOf('prod');
const dev = templatesOf('dev');

const instance = z.object({
  Engine: z.string(),
  EngineVersion: z.string(),
  PubliclyAccessible: z.boolean(),
  StorageEncrypted: z.boolean(),
  StorageType: z.string(),
  MultiAZ: z.boolean(),
  DeletionProtection: z.boolean(),
  BackupRetentionPeriod: z.number(),
  ManageMasterUserPassword: z.boolean(),
  DBParameterGroupName: pointer,
  VPCSecurityGroups: z.array(pointer),
});

describe('network', () => {
  test('has no way to the internet', () => {
    for (const type of ['AWS::EC2::NatGateway', 'AWS::EC2::InternetGateway', 'AWS::EC2::EIP']) {
      expect(resourcesOf(prod.data, type)).toEqual([]);
    }
  });

  test('spans two zones', () => {
    expect(resourcesOf(prod.data, 'AWS::EC2::Subnet')).toHaveLength(2);
  });

  test('has an endpoint for each AWS service that functions may call over it', () => {
    // Lambda itself ships logs and traces and makes network interfaces; those calls do not start in the VPC.
    const outsideVpc = ['logs', 'xray', 'ec2', 'sts', 'lambda'];
    const called = [prod.app, prod.data]
      .flatMap((template) => [
        ...resourcesOf(template, 'AWS::IAM::Policy'),
        ...resourcesOf(template, 'AWS::IAM::Role').filter(([id]) => !id.startsWith('AWSCDK')),
      ])
      .flatMap(([, { Properties }]) => valuesUnder('Action', Properties))
      .flat()
      .map((action) => String(action).split(':')[0] ?? '')
      .filter((service) => !outsideVpc.includes(service));
    const endpoints = propertiesOf(
      prod.data,
      'AWS::EC2::VPCEndpoint',
      z.object({ ServiceName: z.unknown(), PrivateDnsEnabled: z.literal(true) }),
    ).map(({ ServiceName }) => /\.(\w+)"/.exec(JSON.stringify(ServiceName))?.[1]);
    expect(endpoints.sort()).toEqual([...new Set(called)].sort());
  });

  test('lets nothing in from an address range', () => {
    const ranges = [
      ...resourcesOf(prod.data, 'AWS::EC2::SecurityGroup').flatMap(([, group]) =>
        valuesUnder('SecurityGroupIngress', group),
      ),
      ...resourcesOf(prod.data, 'AWS::EC2::SecurityGroupIngress'),
    ].flatMap((rule) => [...valuesUnder('CidrIp', rule), ...valuesUnder('CidrIpv6', rule)]);
    expect(ranges).toEqual([]);
  });
});

describe('database', () => {
  test('of prod is private, encrypted, in two zones, backed up and kept when its stack goes', () => {
    const [database] = propertiesOf(prod.data, 'AWS::RDS::DBInstance', instance);
    expect(database).toMatchObject({
      Engine: 'postgres',
      EngineVersion: '17',
      PubliclyAccessible: false,
      StorageEncrypted: true,
      StorageType: 'gp3',
      MultiAZ: true,
      DeletionProtection: true,
      ManageMasterUserPassword: true,
    });
    expect(database?.BackupRetentionPeriod).toBeGreaterThanOrEqual(7);
    const [[, resource] = []] = resourcesOf(prod.data, 'AWS::RDS::DBInstance');
    expect(resource?.DeletionPolicy).toBe('Snapshot');
  });

  test.each([
    ['dev', dev],
    ['prod', prod],
  ])('of %s accepts encrypted connections only', (_stage, { data }) => {
    const [database] = propertiesOf(data, 'AWS::RDS::DBInstance', instance);
    const groups = propertiesOf(
      data,
      'AWS::RDS::DBParameterGroup',
      z.object({ Parameters: z.record(z.string(), z.string()) }),
    );
    const group = groups.find(({ id }) => id === database?.DBParameterGroupName);
    expect(group?.Parameters['rds.force_ssl']).toBe('1');
  });

  test('is met by the migrator and the proxy alone where there is a proxy, else by the functions too', () => {
    const callers = ({ data }: typeof prod): string[] => {
      const [database] = propertiesOf(data, 'AWS::RDS::DBInstance', instance);
      return propertiesOf(
        data,
        'AWS::EC2::SecurityGroupIngress',
        z.object({ GroupId: pointer, SourceSecurityGroupId: pointer }),
      )
        .filter(({ GroupId }) => database?.VPCSecurityGroups.includes(GroupId))
        .map(({ SourceSecurityGroupId }) => SourceSecurityGroupId.replace(/[0-9A-F]{8}$/, ''))
        .sort();
    };
    expect(callers(prod)).toEqual(['NetworkDatabaseProxy', 'NetworkMigrator']);
    expect(callers(dev)).toEqual(['NetworkFunctions', 'NetworkMigrator']);
  });

  test('has a proxy that insists on TLS and refuses before any function gives up', () => {
    const proxies = propertiesOf(
      prod.data,
      'AWS::RDS::DBProxy',
      z.object({ DBProxyName: z.string(), RequireTLS: z.boolean(), EngineFamily: z.string() }),
    );
    // Lower case, since a mixed-case name breaks the dimension of the pinning alarm.
    expect(proxies).toMatchObject([
      { DBProxyName: 'mothership-prod', RequireTLS: true, EngineFamily: 'POSTGRESQL' },
    ]);
    const [pool] = propertiesOf(
      prod.data,
      'AWS::RDS::DBProxyTargetGroup',
      z.object({
        ConnectionPoolConfigurationInfo: z.object({ ConnectionBorrowTimeout: z.number() }),
      }),
    );
    const timeouts = propertiesOf(prod.app, 'AWS::Lambda::Function', z.object({ Timeout: z.number() }));
    expect(pool?.ConnectionPoolConfigurationInfo.ConnectionBorrowTimeout).toBeLessThan(
      Math.min(...timeouts.map(({ Timeout }) => Timeout)),
    );
    expect(resourcesOf(dev.data, 'AWS::RDS::DBProxy')).toEqual([]);
  });
});

describe('the secret of the functions', () => {
  test('says where and as whom to connect, and takes the password from another secret at deployment', () => {
    const join = z.object({ 'Fn::Join': z.tuple([z.literal(''), z.array(z.unknown())]) });
    const written = propertiesOf(
      prod.data,
      'AWS::SecretsManager::Secret',
      z.object({ SecretString: join.optional() }),
    ).filter(({ SecretString }) => SecretString !== undefined);
    expect(written).toHaveLength(1);
    const parts = written[0]?.SecretString?.['Fn::Join'][1] ?? [];
    const text = parts.map((part) => (typeof part === 'string' ? part : '<token>')).join('');
    expect(JSON.parse(text)).toEqual({
      host: '<token>',
      port: 5432,
      dbname: 'mothership',
      username: '{{resolve:secretsmanager:<token>:SecretString:username::}}',
      password: '{{resolve:secretsmanager:<token>:SecretString:password::}}',
    });
  });
});

describe('migrations', () => {
  const [[, trigger] = []] = resourcesOf(prod.data, 'Custom::Trigger');

  test('run at deployment, and a failure fails it', () => {
    expect(trigger?.Properties).toMatchObject({ InvocationType: 'RequestResponse' });
  });

  test('wait for the database, its address rules and the endpoints', () => {
    const needed = Object.entries(prod.data?.Resources ?? {})
      .filter(([, { Type }]) =>
        ['AWS::RDS::DBInstance', 'AWS::EC2::VPCEndpoint', 'AWS::EC2::SecurityGroupIngress'].includes(Type),
      )
      .map(([id]) => id);
    expect(trigger?.DependsOn).toEqual(expect.arrayContaining(needed));
  });

  test('run as a function that knows each secret by address only', () => {
    const migrator = resourcesOf(prod.data, 'AWS::Lambda::Function').find(([id]) =>
      id.startsWith('Migrator'),
    );
    expect(
      Object.keys(
        z.object({ Variables: z.looseObject({}) }).parse(migrator?.[1].Properties.Environment).Variables,
      ),
    ).toEqual(
      expect.arrayContaining(['OWNER_SECRET_ARN', 'APPLICATION_SECRET_ARN', 'OPERATOR_KEY_SECRET_ARN']),
    );
  });
});
