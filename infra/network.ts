import { Aws } from 'aws-cdk-lib';
import {
  FlowLogDestination,
  FlowLogTrafficType,
  InterfaceVpcEndpointAwsService,
  IpAddresses,
  type IVpc,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { AnyPrincipal, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { StageConfig } from './config.ts';

type Endpoint = { readonly service: InterfaceVpcEndpointAwsService; readonly actions: string[] };

/** The AWS services that functions call, each with the actions that pass its endpoint. */
const endpoints = {
  Sqs: {
    service: InterfaceVpcEndpointAwsService.SQS,
    actions: ['sqs:SendMessage', 'sqs:GetQueueUrl', 'sqs:GetQueueAttributes'],
  },
  Events: { service: InterfaceVpcEndpointAwsService.EVENTBRIDGE, actions: ['events:PutEvents'] },
  SecretsManager: {
    service: InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
    actions: ['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret'],
  },
};

/** Only where a judge is switched on: an endpoint costs by the hour, used or not. */
const judgeEndpoint = {
  BedrockRuntime: {
    service: InterfaceVpcEndpointAwsService.BEDROCK_RUNTIME,
    actions: ['bedrock:InvokeModel'],
  },
};

/** Two zones of isolated subnets: no way in or out but the endpoints, and so no NAT gateway to pay for. */
export class Network extends Construct {
  readonly vpc: IVpc;
  /** Of the functions: reaches the endpoints, and whatever lets it in. */
  readonly functions: SecurityGroup;
  /** Of the migrator alone, so that only it reaches the instance where a proxy stands before it. */
  readonly migrator: SecurityGroup;

  constructor(scope: Construct, id: string, config: StageConfig) {
    super(scope, id);
    const flowLog = new LogGroup(this, 'FlowLog', {
      retention: config.logRetention,
      removalPolicy: config.logRemovalPolicy,
    });
    const vpc = new Vpc(this, 'Vpc', {
      ipAddresses: IpAddresses.cidr('10.40.0.0/20'),
      maxAzs: 2,
      natGateways: 0,
      subnetConfiguration: [{ name: 'Isolated', subnetType: SubnetType.PRIVATE_ISOLATED, cidrMask: 24 }],
      flowLogs: {
        All: {
          destination: FlowLogDestination.toCloudWatchLogs(flowLog),
          trafficType: FlowLogTrafficType.ALL,
        },
      },
    });
    // The compiler takes the class for no IVpc under exactOptionalPropertyTypes, which CDK does not use.
    this.vpc = vpc as IVpc;
    this.functions = this.securityGroup('Functions', 'Mothership functions');
    this.migrator = this.securityGroup('Migrator', 'Mothership migrator');
    this.#addEndpoints({ ...endpoints, ...(config.judge !== null && judgeEndpoint) });
  }

  /** A group that lets nothing in or out until told. */
  securityGroup(id: string, description: string): SecurityGroup {
    return new SecurityGroup(this, id, { vpc: this.vpc, description, allowAllOutbound: false });
  }

  #addEndpoints(wanted: Readonly<Record<string, Endpoint>>): void {
    const group = this.securityGroup('Endpoints', 'Mothership VPC endpoints');
    group.connections.allowFrom(this.functions, Port.tcp(443));
    group.connections.allowFrom(this.migrator, Port.tcp(443));
    for (const [name, { service, actions }] of Object.entries(wanted)) {
      const endpoint = this.vpc.addInterfaceEndpoint(name, {
        service,
        subnets: { subnetType: SubnetType.PRIVATE_ISOLATED },
        securityGroups: [group],
        open: false,
      });
      // Roles say which queue, bus or secret; the endpoint keeps credentials of other accounts out.
      endpoint.addToPolicy(
        new PolicyStatement({
          principals: [new AnyPrincipal()],
          actions,
          resources: ['*'],
          conditions: { StringEquals: { 'aws:PrincipalAccount': Aws.ACCOUNT_ID } },
        }),
      );
    }
  }
}
