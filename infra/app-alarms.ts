import { Duration } from 'aws-cdk-lib';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import { type IMetric, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { EventBus, Rule } from 'aws-cdk-lib/aws-events';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { type AlarmProps, addAlarm, type RunbookHeading } from './alarms.ts';
import { type QueueWithDeadLetters, taskClasses } from './queues.ts';

type AppAlarmProps = {
  readonly topic: ITopic | undefined;
  readonly api: HttpApi;
  readonly functions: { readonly [name: string]: IFunction };
  readonly tasks: readonly QueueWithDeadLetters[];
  readonly budgetActions: QueueWithDeadLetters;
  readonly costEvents: QueueWithDeadLetters;
  /** Dead letters of rules: what EventBridge could not hand to its target. */
  readonly undelivered: Queue;
  readonly missedSweeps: Queue;
  /** Undefined where no judge is switched on. */
  readonly judgeFailures: IMetric | undefined;
  readonly bus: EventBus;
  readonly busRules: { readonly [name: string]: Rule };
  readonly schedules: { readonly [name: string]: Rule };
};

const minute = Duration.minutes(1);
const perMinute = { period: minute, statistic: Stats.SUM };
const worstPerMinute = { period: minute, statistic: Stats.MAXIMUM };

/** Every alarm of the App stack. */
export function addAppAlarms(stack: Construct, props: AppAlarmProps): void {
  const scope = new Construct(stack, 'Alarms');
  const { topic } = props;
  const alarm = (id: string, alarmProps: Omit<AlarmProps, 'topic'>): void => {
    addAlarm(scope, id, { topic, ...alarmProps });
  };

  alarm('ApiServerErrors', {
    metric: props.api.metricServerError(perMinute),
    threshold: 5,
    periods: 2,
    meaning: 'The HTTP API answered more than five requests a minute with 5xx.',
    runbook: 'API answers 5xx',
  });
  for (const [name, lambda] of Object.entries(props.functions)) {
    alarm(`${name}Errors`, {
      metric: lambda.metricErrors(perMinute),
      threshold: 0,
      meaning: `The function ${name} failed.`,
      runbook: 'Function errors',
    });
    alarm(`${name}Throttles`, {
      metric: lambda.metricThrottles(perMinute),
      threshold: 0,
      meaning: `The function ${name} was throttled.`,
      runbook: 'Function throttled',
    });
  }

  const deadLetters = (id: string, queue: Queue, meaning: string, runbook: RunbookHeading): void =>
    // Visible messages, since the count of sent ones leaves out what SQS itself moves here.
    alarm(id, {
      metric: queue.metricApproximateNumberOfMessagesVisible(worstPerMinute),
      threshold: 0,
      meaning,
      runbook,
    });
  for (const [index, task] of props.tasks.entries()) {
    const name = taskClasses[index];
    deadLetters(
      `Tasks${name}DeadLetters`,
      task.deadLetters,
      `Doorbells of ${name} were received five times and never deleted.`,
      'Tasks dead-letter queue holds messages',
    );
  }
  deadLetters(
    'BudgetActionsDeadLetters',
    props.budgetActions.deadLetters,
    'A preemption or pause for budget failed five times.',
    'Budget actions dead-letter queue holds messages',
  );
  deadLetters(
    'CostEventsDeadLetters',
    props.costEvents.deadLetters,
    'Reported costs could not be booked.',
    'Cost events dead-letter queue holds messages',
  );
  deadLetters('Undelivered', props.undelivered, 'EventBridge gave up on an event.', 'Undelivered events');
  deadLetters('MissedSweeps', props.missedSweeps, 'A sweep failed or never started.', 'Sweep fails');

  const oldest = (
    id: string,
    queue: Queue | undefined,
    older: { readonly than_seconds: number; readonly meaning: string; readonly runbook: RunbookHeading },
  ): void => {
    if (queue === undefined) return;
    alarm(id, {
      metric: queue.metricApproximateAgeOfOldestMessage(worstPerMinute),
      threshold: older.than_seconds,
      periods: 2,
      meaning: older.meaning,
      runbook: older.runbook,
    });
  };
  oldest('TasksP0Age', props.tasks[0]?.queue, {
    than_seconds: 30,
    meaning: 'A P0 doorbell is older than 30 s.',
    runbook: 'Queue P0 grows old',
  });
  oldest('BudgetActionsAge', props.budgetActions.queue, {
    than_seconds: 30,
    meaning: 'A budget action is older than 30 s.',
    runbook: 'Budget actions grow old',
  });
  // Past the first repeat, which follows after three minutes and mends what was wrong for a moment.
  oldest('CostEventsAge', props.costEvents.queue, {
    than_seconds: 300,
    meaning: 'Reported costs are not booked for 5 min.',
    runbook: 'Cost events grow old',
  });

  if (props.judgeFailures !== undefined) {
    alarm('JudgeFailures', {
      metric: props.judgeFailures,
      threshold: 5,
      periods: 2,
      meaning: 'The judge of reasoning gave no opinion more than five times in 5 min.',
      runbook: 'Judge gives no opinion',
    });
  }

  const failedInvocations = (name: string, dimensionsMap: Record<string, string>): void =>
    alarm(`${name}FailedInvocations`, {
      metric: new Metric({
        namespace: 'AWS/Events',
        metricName: 'FailedInvocations',
        dimensionsMap,
        ...perMinute,
      }),
      threshold: 0,
      meaning: `The rule ${name} could not invoke its target.`,
      runbook: 'Rule cannot reach its target',
    });
  for (const [name, rule] of Object.entries(props.busRules)) {
    failedInvocations(name, { EventBusName: props.bus.eventBusName, RuleName: rule.ruleName });
  }
  for (const [name, rule] of Object.entries(props.schedules)) {
    // Rules of the default bus are counted without its name.
    failedInvocations(name, { RuleName: rule.ruleName });
  }
}
