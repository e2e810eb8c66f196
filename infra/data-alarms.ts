import { Duration } from 'aws-cdk-lib';
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { type AlarmProps, addAlarm } from './alarms.ts';
import type { DatabaseConfig } from './config.ts';
import type { Database } from './database.ts';

const bytesPerGb = 1024 ** 3;
const fiveMinutes = Duration.minutes(5);

/** Every alarm of the Data stack. */
export function addDataAlarms(
  stack: Construct,
  props: { readonly topic: ITopic; readonly database: Database; readonly config: DatabaseConfig },
): void {
  const scope = new Construct(stack, 'Alarms');
  const { instance, proxy } = props.database;
  const alarm = (id: string, alarmProps: Omit<AlarmProps, 'topic'>): void => {
    addAlarm(scope, id, { topic: props.topic, ...alarmProps });
  };

  alarm('Cpu', {
    metric: instance.metricCPUUtilization({ period: fiveMinutes }),
    threshold: 80,
    periods: 3,
    meaning: 'The database used more than 80 % of its CPU for 15 min.',
    runbook: 'Database CPU is high',
  });
  alarm('Storage', {
    metric: instance.metricFreeStorageSpace({ period: fiveMinutes, statistic: Stats.MINIMUM }),
    threshold: 0.1 * props.config.storageGb * bytesPerGb,
    when: 'below',
    meaning: 'The database has little storage left and did not grow.',
    runbook: 'Database storage is low',
  });
  alarm('Connections', {
    metric: instance.metricDatabaseConnections({ period: fiveMinutes, statistic: Stats.MAXIMUM }),
    threshold: props.config.connectionsAlarm,
    meaning: 'The database has more open connections than planned.',
    runbook: 'Database connections are high',
  });
  if (proxy !== undefined) {
    alarm('PinnedSessions', {
      metric: new Metric({
        namespace: 'AWS/RDS',
        metricName: 'DatabaseConnectionsCurrentlySessionPinned',
        dimensionsMap: { ProxyName: proxy.dbProxyName },
        period: fiveMinutes,
        statistic: Stats.MAXIMUM,
      }),
      threshold: 0,
      meaning: 'A session holds its database connection, so the proxy cannot share it.',
      runbook: 'Database proxy pins sessions',
    });
  }
}
