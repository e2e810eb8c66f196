import { CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import { EventBus, Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as LambdaTarget, SqsQueue as QueueTarget } from 'aws-cdk-lib/aws-events-targets';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import type { ApiFunction } from '../shared/platform/routes.ts';
import { addAppAlarms } from './app-alarms.ts';
import type { Entry } from './bundle.ts';
import type { FunctionConcurrency, StageConfig } from './config.ts';
import {
  costEventBatches,
  costEventReceives_max,
  costEventsQueue,
  meterTimeout_seconds,
} from './cost-events.ts';
import { importFromDataStack } from './data-exports.ts';
import { eventsTap } from './events-tap.ts';
import { httpApi } from './http-api.ts';
import { judgeFailures } from './judge.ts';
import { type FunctionNetwork, MothershipFunction } from './mothership-function.ts';
import { deadLetterQueue, queueWithDeadLetters, taskClasses, taskQueues } from './queues.ts';

/** What reaches the consumer of budget actions; it publishes neither, so no loop can form. */
const budgetActionEvents = ['preempt-for-budget', 'run-paused-for-budget'];

const apiTimeout_seconds = 15;
const actTimeout_seconds = 30;
const authorizerTimeout_seconds = 5;
/** Under the minute between two sweeps, so that they do not overlap. */
const sweepTimeout_seconds = 50;

/** All of Mothership but its database: HTTP API, functions, bus, queues, schedule and their alarms. */
export class AppStack extends Stack {
  constructor(scope: Construct, id: string, props: StackProps & { readonly config: StageConfig }) {
    super(scope, id, props);
    const { config } = props;
    const bus = eventBus(this, config);
    const tasks = taskQueues(this, config);
    const database = Secret.fromSecretCompleteArn(
      this,
      'ApplicationSecret',
      importFromDataStack(config.stage, 'ApplicationSecretArn'),
    );
    const network = functionNetwork(config);

    /** A function that changes state: it relays the outbox after each commit, to the bus and the task queues. */
    const writer = (name: string, entry: Entry, description: string, limits: Limits): MothershipFunction =>
      new MothershipFunction(this, name, { config, code: { entry }, description, network, ...limits })
        .usesDatabase(database)
        .publishesEvents(bus)
        .sendsTo(tasks.map(({ queue }) => queue));

    const apiFunction = (name: ApiFunction, description: string, more_seconds = 0): MothershipFunction =>
      writer(`${capitalised(name)}Api`, `functions/${name}/api.ts`, description, {
        timeoutSeconds: apiTimeout_seconds + more_seconds,
        reservedConcurrency: config.functionConcurrency?.[name],
      });

    const authorizer = new MothershipFunction(this, 'Authorizer', {
      config,
      code: { entry: 'functions/access/authorizer.ts' },
      description: 'Decides which tenant and scope a key stands for',
      timeoutSeconds: authorizerTimeout_seconds,
      network,
      reservedConcurrency: config.functionConcurrency?.authorizer,
    }).usesDatabase(database);

    const apiFunctions = {
      access: apiFunction('access', 'HTTP: keys'),
      admission: apiFunction('admission', 'HTTP: runs, tasks, queue, quotas, pool').decidesBy(config.policy),
      budget: apiFunction('budget', 'HTTP: budgets and cost events').decidesBy(config.policy),
      coordination: apiFunction('coordination', 'HTTP: timelines, sweep, health, OpenAPI').decidesBy(
        config.policy,
      ),
      deliberation: apiFunction('deliberation', 'HTTP: scores of reasoning', config.judge?.timeoutSeconds)
        .decidesBy(config.policy)
        .asksJudge(config.judge),
    } satisfies { [F in ApiFunction]: MothershipFunction };
    const { api, stage } = httpApi(this, config, { authorizer, ...apiFunctions });

    const budgetActions = queueWithDeadLetters(this, 'BudgetActions', {
      config,
      name: 'budget-actions',
      visibilitySeconds: 6 * actTimeout_seconds,
    });
    const act = writer('BudgetAct', 'functions/budget/act.ts', 'Preempts and pauses for budget', {
      timeoutSeconds: actTimeout_seconds,
      reservedConcurrency: config.functionConcurrency === null ? undefined : config.budgetActionsConcurrency,
    })
      .decidesBy(config.policy)
      .consumes(budgetActions.queue, { maxConcurrency: config.budgetActionsConcurrency });
    const undelivered = deadLetterQueue(this, 'UndeliveredEvents', config, 'undelivered-events');
    const budgetRule = new Rule(this, 'BudgetActionsRule', {
      description: 'Budget decisions to the function that carries them out',
      eventBus: bus,
      eventPattern: { source: ['mothership'], detailType: budgetActionEvents },
      targets: [
        new QueueTarget(budgetActions.queue, {
          deadLetterQueue: undelivered,
          maxEventAge: Duration.hours(2),
          retryAttempts: 185,
        }),
      ],
    });

    const costEvents = costEventsQueue(this, config);
    const meter = writer('BudgetMeter', 'functions/budget/meter.ts', 'Books cost events from the queue', {
      timeoutSeconds: meterTimeout_seconds,
      reservedConcurrency: config.functionConcurrency === null ? undefined : config.costEventsConcurrency,
    })
      .putsAside(costEvents.deadLetters, costEventReceives_max)
      .consumes(costEvents.queue, { maxConcurrency: config.costEventsConcurrency, ...costEventBatches });

    if (config.eventsTap) eventsTap(this, bus, config);

    const missedSweeps = deadLetterQueue(this, 'MissedSweeps', config, 'missed-sweeps');
    const sweep = writer('Sweep', 'functions/coordination/sweep.ts', 'Runs every timed duty once', {
      timeoutSeconds: sweepTimeout_seconds,
      reservedConcurrency: config.functionConcurrency === null ? undefined : 1,
    }).decidesBy(config.policy);
    // The next minute sweeps everything anyway, so a late or failed sweep is recorded and not repeated.
    sweep.configureAsyncInvoke({
      maxEventAge: Duration.minutes(1),
      retryAttempts: 0,
      onFailure: new SqsDestination(missedSweeps),
    });
    const sweepRule = new Rule(this, 'SweepSchedule', {
      description: 'Leases, deadlines, aging, outbox: once a minute',
      schedule: Schedule.rate(Duration.minutes(1)),
      targets: [
        new LambdaTarget(sweep, {
          deadLetterQueue: missedSweeps,
          maxEventAge: Duration.minutes(1),
          retryAttempts: 2,
        }),
      ],
    });

    addAppAlarms(this, {
      topic:
        config.database === null
          ? undefined
          : Topic.fromTopicArn(this, 'AlarmTopic', importFromDataStack(config.stage, 'AlarmTopicArn')),
      api,
      functions: { authorizer, ...apiFunctions, act, meter, sweep },
      tasks,
      budgetActions,
      costEvents,
      undelivered,
      missedSweeps,
      judgeFailures: config.judge === null ? undefined : judgeFailures(apiFunctions.deliberation, config),
      bus,
      busRules: { budgetRule },
      schedules: { sweepRule },
    });

    new CfnOutput(this, 'ApiUrl', { value: stage.url, description: 'Base URL; paths start with /v1' });
    new CfnOutput(this, 'EventBusName', { value: bus.eventBusName });
    for (const [index, { queue }] of tasks.entries()) {
      const name = `TaskQueueUrl${taskClasses[index]}`;
      new CfnOutput(this, name, {
        value: queue.queueUrl,
        description: 'Doorbells for runners of this class',
        exportName: `${this.stackName}:${name}`,
      });
    }
  }
}

type Limits = {
  readonly timeoutSeconds: number;
  readonly reservedConcurrency: FunctionConcurrency[keyof FunctionConcurrency] | undefined;
};

function eventBus(scope: Construct, config: StageConfig): EventBus {
  const bus = new EventBus(scope, 'EventBus', { eventBusName: `mothership-${config.stage}` });
  bus.archive('EventArchive', {
    archiveName: `mothership-${config.stage}`,
    description: 'Everything that Mothership published, for replays; consumers ignore repeats',
    eventPattern: { source: ['mothership'] },
    retention: Duration.days(config.eventArchiveDays),
  });
  return bus;
}

function functionNetwork({ stage, database }: StageConfig): FunctionNetwork | undefined {
  if (database === null) return undefined;
  return {
    subnetIds: [importFromDataStack(stage, 'SubnetIdA'), importFromDataStack(stage, 'SubnetIdB')],
    securityGroupIds: [importFromDataStack(stage, 'FunctionSecurityGroupId')],
  };
}

function capitalised(word: string): string {
  return `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`;
}
