import { Aws, CfnOutput, Duration, Stack, type StackProps, Validations } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Trigger } from 'aws-cdk-lib/triggers';
import type { Construct } from 'constructs';
import { migratorEnvironment } from '../migrations/lambda-environment.ts';
import type { DatabaseConfig, StageConfig } from './config.ts';
import { addDataAlarms } from './data-alarms.ts';
import { type DataExport, exportName } from './data-exports.ts';
import { Database } from './database.ts';
import { MothershipFunction } from './mothership-function.ts';
import { Network } from './network.ts';

const migratorTimeout_seconds = 10 * 60;

export type DataStackProps = StackProps & {
  readonly config: StageConfig;
  readonly database: DatabaseConfig;
  /** Who is told of alarms; nobody is subscribed when undefined. */
  readonly alarmEmail: string | undefined;
};

/** What outlives a deployment of the functions: network, database, secrets, and the migrations that shape it. */
export class DataStack extends Stack {
  constructor(scope: Construct, id: string, props: DataStackProps) {
    super(scope, id, props);
    const { config } = props;
    const network = new Network(this, 'Network', config);
    const database = new Database(this, 'Database', { config, database: props.database, network });
    const operatorKey = operatorKeySecret(this);
    migrateOnDeploy(this, { config, network, database, operatorKey });
    const topic = alarmTopic(this, props.alarmEmail);
    addDataAlarms(this, { topic, database, config: props.database });

    const [subnetA, subnetB] = network.vpc.isolatedSubnets;
    if (subnetA === undefined || subnetB === undefined) {
      throw new Error('The network needs two isolated subnets, one per zone.');
    }
    const exports: { readonly [E in DataExport]: string } = {
      ApplicationSecretArn: database.applicationSecret.secretArn,
      SubnetIdA: subnetA.subnetId,
      SubnetIdB: subnetB.subnetId,
      FunctionSecurityGroupId: network.functions.securityGroupId,
      AlarmTopicArn: topic.topicArn,
    };
    for (const name of Object.keys(exports) as DataExport[]) {
      new CfnOutput(this, name, { value: exports[name], exportName: exportName(config.stage, name) });
    }
    new CfnOutput(this, 'OperatorKeySecretArn', {
      value: operatorKey.secretArn,
      description: 'Holds the secret part of the operator key',
    });
  }
}

function operatorKeySecret(scope: Construct): Secret {
  const secret = new Secret(scope, 'OperatorKey', {
    description: 'Secret part of the operator key of this stage',
    generateSecretString: { passwordLength: 43, excludePunctuation: true },
  });
  Validations.of(secret).acknowledge({
    id: 'AwsSolutions-SMG4',
    reason: 'People hold this key: it is replaced on demand (runbook), not behind their back.',
  });
  return secret;
}

/** Runs the migrations whenever the migrator or an SQL file changed; a failure fails the deployment. */
function migrateOnDeploy(
  scope: Construct,
  props: {
    readonly config: StageConfig;
    readonly network: Network;
    readonly database: Database;
    readonly operatorKey: Secret;
  },
): void {
  const { network, database, operatorKey } = props;
  const migrator = new MothershipFunction(scope, 'Migrator', {
    config: props.config,
    code: { entry: 'migrations/lambda.ts', sqlFolder: 'migrations' },
    description: 'Brings the database schema up to date',
    timeoutSeconds: migratorTimeout_seconds,
    network: {
      subnetIds: network.vpc.isolatedSubnets.map((subnet) => subnet.subnetId),
      securityGroupIds: [network.migrator.securityGroupId],
    },
  });
  const secrets = {
    [migratorEnvironment.ownerSecretArn]: database.ownerSecret,
    [migratorEnvironment.applicationSecretArn]: database.applicationCredentials,
    [migratorEnvironment.operatorKeySecretArn]: operatorKey,
  };
  for (const [name, secret] of Object.entries(secrets)) {
    secret.grantRead(migrator);
    migrator.addEnvironment(name, secret.secretArn);
  }
  migrator.addEnvironment(migratorEnvironment.databaseHost, database.instance.dbInstanceEndpointAddress);
  migrator.addEnvironment(migratorEnvironment.databasePort, database.instance.dbInstanceEndpointPort);
  migrator.addEnvironment(migratorEnvironment.databaseName, database.name);
  new Trigger(scope, 'Migrate', {
    handler: migrator,
    timeout: Duration.seconds(migratorTimeout_seconds),
    // Security group rules are resources of their own: without them the migrator reaches nothing.
    executeAfter: [network, database],
  });
}

function alarmTopic(scope: Construct, email: string | undefined): Topic {
  const topic = new Topic(scope, 'AlarmTopic', {
    displayName: 'Mothership alarms',
    enforceSSL: true,
  });
  // A topic with a policy of its own loses the default one, which let alarms of the account publish.
  topic.addToResourcePolicy(
    new PolicyStatement({
      principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
      actions: ['sns:Publish'],
      resources: [topic.topicArn],
      conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
    }),
  );
  if (email !== undefined) {
    const subscription = topic.addSubscription(new EmailSubscription(email));
    Validations.of(subscription).acknowledge({
      id: 'Serverless-SNSRedrivePolicy',
      reason: 'SNS keeps no dead letters of e-mail; the alarm itself shows in CloudWatch.',
    });
  }
  return topic;
}
