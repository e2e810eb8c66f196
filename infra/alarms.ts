import { Alarm, ComparisonOperator, type IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';

/** Where every alarm sends its reader. */
export const RUNBOOK = 'docs/runbook.md';

/** The headings of the runbook that alarms link; a test asserts that each exists there. */
export const runbookHeadings = [
  'API answers 5xx',
  'Function errors',
  'Function throttled',
  'Queue P0 grows old',
  'Budget actions grow old',
  'Cost events grow old',
  'Tasks dead-letter queue holds messages',
  'Budget actions dead-letter queue holds messages',
  'Cost events dead-letter queue holds messages',
  'Undelivered events',
  'Sweep fails',
  'Rule cannot reach its target',
  'Judge gives no opinion',
  'Database CPU is high',
  'Database storage is low',
  'Database connections are high',
  'Database proxy pins sessions',
] as const;

export type RunbookHeading = (typeof runbookHeadings)[number];

export type AlarmProps = {
  /** A metric with its period and statistic. */
  readonly metric: IMetric;
  /** One sentence that says what is wrong. */
  readonly meaning: string;
  readonly runbook: RunbookHeading;
  /** Fires above this, or below it where `when` is `below`. */
  readonly threshold: number;
  readonly when?: 'above' | 'below';
  /** Periods in a row that must breach; 1 unless given. */
  readonly periods?: number;
  /** Told when the alarm fires and when it is over; nobody when undefined. */
  readonly topic: ITopic | undefined;
};

/** An alarm whose description ends in the runbook's heading; no data is no breach. */
export function addAlarm(scope: Construct, id: string, props: AlarmProps): Alarm {
  const alarm = new Alarm(scope, id, {
    alarmDescription: `${props.meaning} ${RUNBOOK}#${anchor(props.runbook)}`,
    metric: props.metric,
    threshold: props.threshold,
    comparisonOperator:
      props.when === 'below'
        ? ComparisonOperator.LESS_THAN_THRESHOLD
        : ComparisonOperator.GREATER_THAN_THRESHOLD,
    evaluationPeriods: props.periods ?? 1,
    treatMissingData: TreatMissingData.NOT_BREACHING,
  });
  if (props.topic !== undefined) {
    alarm.addAlarmAction(new SnsAction(props.topic));
    alarm.addOkAction(new SnsAction(props.topic));
  }
  return alarm;
}

/** The anchor that Markdown renderers give a heading. */
export function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^a-z0-9 -]/g, '')
    .replaceAll(' ', '-');
}
