import { Duration, SecretValue, Stack, Validations } from 'aws-cdk-lib';
import { InstanceType, Port, type SecurityGroup, SubnetType } from 'aws-cdk-lib/aws-ec2';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import {
  CaCertificate,
  ClientPasswordAuthType,
  Credentials,
  DatabaseInstance,
  DatabaseInstanceEngine,
  DatabaseProxy,
  PostgresEngineVersion,
  ProxyTarget,
  StorageType,
} from 'aws-cdk-lib/aws-rds';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { DatabaseConfig, StageConfig } from './config.ts';
import type { Network } from './network.ts';

const databaseName = 'mothership';
/** Not the default, which scanners try first. */
const instancePort = 5433;
/** RDS Proxy listens here whatever the instance's port is. */
const proxyPort = 5432;

export type DatabaseProps = {
  readonly config: StageConfig;
  readonly database: DatabaseConfig;
  readonly network: Network;
};

/** RDS Postgres, the proxy where the stage has one, and the secrets of the roles. */
export class Database extends Construct {
  readonly instance: DatabaseInstance;
  readonly proxy: DatabaseProxy | undefined;
  readonly name = databaseName;
  /** Of the role that owns the schema; RDS keeps and rotates it. */
  readonly ownerSecret: ISecret;
  /** `{username, password}` of the role that functions log in as. */
  readonly applicationCredentials: Secret;
  /** The same with host, port and dbname: all that a function needs. */
  readonly applicationSecret: Secret;

  constructor(scope: Construct, id: string, props: DatabaseProps) {
    super(scope, id);
    this.instance = this.#createInstance(props);
    this.ownerSecret = ownerSecretOf(this.instance);
    this.instance.connections.allowDefaultPortFrom(props.network.migrator);
    this.applicationCredentials = new Secret(this, 'ApplicationCredentials', {
      description: 'Login of the Mothership functions',
      generateSecretString: {
        secretStringTemplate: JSON.stringify({ username: 'mothership_app' }),
        generateStringKey: 'password',
        passwordLength: 40,
        excludePunctuation: true,
      },
    });
    this.proxy = props.database.proxy ? this.#createProxy(props) : undefined;
    if (this.proxy === undefined) this.instance.connections.allowDefaultPortFrom(props.network.functions);
    this.applicationSecret = this.#createApplicationSecret();
    for (const secret of [this.applicationCredentials, this.applicationSecret]) {
      Validations.of(secret).acknowledge({
        id: 'AwsSolutions-SMG4',
        reason: 'The migrator sets this password at deployment; replacing the secret rotates it (runbook).',
      });
    }
  }

  #createInstance({ config, database, network }: DatabaseProps): DatabaseInstance {
    // Named, so that the log groups can exist before RDS would make them without an end to their retention.
    const identifier = `mothership-${config.stage}`;
    const logs = ['postgresql', 'upgrade'];
    const logGroups = logs.map(
      (log) =>
        new LogGroup(this, `Log-${log}`, {
          logGroupName: `/aws/rds/instance/${identifier}/${log}`,
          retention: config.logRetention,
          removalPolicy: config.logRemovalPolicy,
        }),
    );
    const instance = new DatabaseInstance(this, 'Instance', {
      instanceIdentifier: identifier,
      // The major version alone: RDS chooses the minor one and keeps it up to date.
      engine: DatabaseInstanceEngine.postgres({ version: PostgresEngineVersion.VER_17 }),
      instanceType: new InstanceType(database.instanceClass),
      vpc: network.vpc,
      vpcSubnets: { subnetType: SubnetType.PRIVATE_ISOLATED },
      securityGroups: [network.securityGroup('DatabaseInstance', 'Mothership database')],
      publiclyAccessible: false,
      port: instancePort,
      databaseName,
      credentials: Credentials.fromUsername('mothership_owner'),
      manageMasterUserPassword: true,
      caCertificate: CaCertificate.RDS_CA_RSA2048_G1,
      parameters: {
        'rds.force_ssl': '1',
        log_lock_waits: '1',
        log_min_duration_statement: '500',
      },
      storageType: StorageType.GP3,
      storageEncrypted: true,
      allocatedStorage: database.storageGb,
      maxAllocatedStorage: database.storageGbMax,
      multiAz: database.multiAz,
      autoMinorVersionUpgrade: true,
      allowMajorVersionUpgrade: false,
      backupRetention: Duration.days(database.backupRetentionDays),
      copyTagsToSnapshot: true,
      deletionProtection: database.deletionProtection,
      removalPolicy: database.removalPolicy,
      cloudwatchLogsExports: logs,
    });
    instance.node.addDependency(...logGroups);
    if (!database.multiAz) {
      Validations.of(instance).acknowledge({
        id: 'AwsSolutions-RDS3',
        reason: 'A stage for developers may be down while its zone is.',
      });
    }
    if (!database.deletionProtection) {
      Validations.of(instance).acknowledge({
        id: 'AwsSolutions-RDS10',
        reason: 'A stage for developers is made and deleted at will.',
      });
    }
    return instance;
  }

  #createProxy({ config, network }: DatabaseProps): DatabaseProxy {
    const group = network.securityGroup('DatabaseProxy', 'Mothership database proxy');
    const proxy = new DatabaseProxy(this, 'Proxy', {
      // Lower case and per stage: a derived name collides within an account and breaks the alarms' dimension.
      dbProxyName: `mothership-${config.stage}`,
      proxyTarget: ProxyTarget.fromInstance(this.instance),
      // See Network for why the assertion is needed.
      secrets: [this.applicationCredentials as ISecret],
      clientPasswordAuthType: ClientPasswordAuthType.POSTGRES_SCRAM_SHA_256,
      vpc: network.vpc,
      vpcSubnets: { subnetType: SubnetType.PRIVATE_ISOLATED },
      securityGroups: [group],
      requireTLS: true,
      // Well under the functions' timeouts: a caller hears 503 rather than nothing.
      borrowTimeout: Duration.seconds(3),
      // The rest stays for the migrator and people.
      maxConnectionsPercent: 80,
      maxIdleConnectionsPercent: 40,
    });
    allowPostgres(network.functions, group);
    return proxy;
  }

  #createApplicationSecret(): Secret {
    const address =
      this.proxy === undefined
        ? { host: this.instance.dbInstanceEndpointAddress, port: instancePort }
        : { host: this.proxy.endpoint, port: proxyPort };
    return new Secret(this, 'ApplicationSecret', {
      description: 'Where and as whom the Mothership functions reach the database',
      // CloudFormation reads the password out of the first secret at deployment: the template holds a reference.
      // One secret could not do both: the proxy needs it to exist, and it needs the proxy's address.
      secretStringValue: SecretValue.unsafePlainText(
        Stack.of(this).toJsonString({
          ...address,
          dbname: databaseName,
          username: this.applicationCredentials.secretValueFromJson('username').unsafeUnwrap(),
          password: this.applicationCredentials.secretValueFromJson('password').unsafeUnwrap(),
        }),
      ),
    });
  }
}

function allowPostgres(from: SecurityGroup, to: SecurityGroup): void {
  to.connections.allowFrom(from, Port.tcp(proxyPort));
}

function ownerSecretOf(instance: DatabaseInstance): ISecret {
  if (instance.secret === undefined) {
    throw new Error('RDS must manage the owner password: set manageMasterUserPassword on the instance.');
  }
  return instance.secret;
}
