import { RemovalPolicy } from 'aws-cdk-lib';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { checkOverrides, type PolicyOverrides } from '../shared/admission/policy.ts';

export const stageNames = ['local', 'dev', 'staging', 'prod'] as const;
export type StageName = (typeof stageNames)[number];

export type DatabaseConfig = {
  /** RDS class without the `db.` prefix. */
  readonly instanceClass: string;
  readonly storageGb: number;
  readonly storageGbMax: number;
  readonly multiAz: boolean;
  readonly deletionProtection: boolean;
  /** What becomes of the instance when its stack is deleted. */
  readonly removalPolicy: RemovalPolicy;
  readonly backupRetentionDays: number;
  /** RDS Proxy in front of the functions; the migrator always connects to the instance itself. */
  readonly proxy: boolean;
  /** Alarm on more open connections than this; about 70 % of what the class allows. */
  readonly connectionsAlarm: number;
};

/**
 * Concurrent executions reserved per Lambda. An instance holds one database connection, so the sum is the most
 * connections that the stage can open.
 */
export type FunctionConcurrency = {
  readonly authorizer: number;
  readonly access: number;
  readonly admission: number;
  readonly budget: number;
  readonly coordination: number;
  readonly deliberation: number;
};

/** A model of Bedrock that gives a second opinion on reasoning in the review band (D7). */
export type JudgeConfig = {
  /**
   * Of a foundation model of the stage's own region, or the id or ARN of an inference profile. It must know Converse, and
   * take a forced tool and a temperature.
   */
  readonly modelId: string;
  /** Of an inference profile: its foundation model, and the regions that it may send a call to. */
  readonly profileOf: { readonly modelId: string; readonly regions: readonly string[] } | null;
  /** Where its price comes from: `library` must know the model; `operator` says that the operator's table will. */
  readonly price: 'library' | 'operator';
  /** For a whole opinion, attempts and pauses included; 1 to 12. The built-in score stands after that. */
  readonly timeoutSeconds: number;
  /** Calls for one opinion, the first one included; 1 to 5. */
  readonly attempts: number;
};

export type StageConfig = {
  readonly stage: StageName;
  /** Lets an operator key set `now` of a call (rule R4). Never on a deployed stage. */
  readonly virtualTime: boolean;
  readonly logLevel: 'debug' | 'info';
  readonly logRetention: RetentionDays;
  readonly eventArchiveDays: number;
  /** Whether a queue gets a copy of every event, to watch; see `events-tap.ts`. */
  readonly eventsTap: boolean;
  /** What becomes of logs when their stack is deleted. */
  readonly logRemovalPolicy: RemovalPolicy;
  readonly terminationProtection: boolean;
  readonly httpThrottle: { readonly requestsPerSecond: number; readonly burstRequests: number };
  /** `null` shares the account's pool: a small development account has too few executions to reserve any. */
  readonly functionConcurrency: FunctionConcurrency | null;
  /** Concurrent batches of the budget-actions consumer (SQS `MaximumConcurrency`, at least 2). */
  readonly budgetActionsConcurrency: number;
  /** Concurrent batches of the cost-events consumer, likewise. */
  readonly costEventsConcurrency: number;
  /** `null` when the database and its secret are supplied from outside: no Data stack, no VPC. */
  readonly database: DatabaseConfig | null;
  /** Null: reasoning is scored by the built-in scorer alone. */
  readonly judge: JudgeConfig | null;
  /** Numbers of the policy that the stage overrides; from cdk.json. */
  readonly policy: PolicyOverrides;
};

const configs: { readonly [S in StageName]: Omit<StageConfig, 'policy'> & { readonly stage: S } } =
  Object.freeze({
    local: {
      stage: 'local',
      virtualTime: true,
      logLevel: 'info',
      logRetention: RetentionDays.ONE_DAY,
      eventArchiveDays: 1,
      eventsTap: true,
      logRemovalPolicy: RemovalPolicy.DESTROY,
      terminationProtection: false,
      httpThrottle: { requestsPerSecond: 10_000, burstRequests: 5_000 },
      functionConcurrency: null,
      budgetActionsConcurrency: 2,
      costEventsConcurrency: 2,
      database: null,
      judge: null,
    },
    dev: {
      stage: 'dev',
      virtualTime: false,
      logLevel: 'debug',
      logRetention: RetentionDays.ONE_WEEK,
      eventArchiveDays: 7,
      eventsTap: false,
      logRemovalPolicy: RemovalPolicy.DESTROY,
      terminationProtection: false,
      httpThrottle: { requestsPerSecond: 100, burstRequests: 200 },
      functionConcurrency: null,
      budgetActionsConcurrency: 2,
      costEventsConcurrency: 2,
      database: {
        instanceClass: 't4g.small',
        storageGb: 20,
        storageGbMax: 50,
        multiAz: false,
        deletionProtection: false,
        removalPolicy: RemovalPolicy.DESTROY,
        backupRetentionDays: 7,
        proxy: false,
        connectionsAlarm: 150,
      },
      judge: null,
    },
    staging: {
      stage: 'staging',
      virtualTime: false,
      logLevel: 'info',
      logRetention: RetentionDays.ONE_MONTH,
      eventArchiveDays: 30,
      eventsTap: false,
      logRemovalPolicy: RemovalPolicy.RETAIN,
      terminationProtection: true,
      httpThrottle: { requestsPerSecond: 500, burstRequests: 1_000 },
      functionConcurrency: {
        authorizer: 20,
        access: 5,
        admission: 40,
        budget: 40,
        coordination: 10,
        deliberation: 10,
      },
      budgetActionsConcurrency: 5,
      costEventsConcurrency: 5,
      database: {
        instanceClass: 't4g.medium',
        storageGb: 50,
        storageGbMax: 200,
        multiAz: true,
        deletionProtection: true,
        removalPolicy: RemovalPolicy.SNAPSHOT,
        backupRetentionDays: 7,
        proxy: true,
        connectionsAlarm: 300,
      },
      judge: null,
    },
    prod: {
      stage: 'prod',
      virtualTime: false,
      logLevel: 'info',
      logRetention: RetentionDays.THREE_MONTHS,
      eventArchiveDays: 90,
      eventsTap: false,
      logRemovalPolicy: RemovalPolicy.RETAIN,
      terminationProtection: true,
      httpThrottle: { requestsPerSecond: 2_000, burstRequests: 4_000 },
      functionConcurrency: {
        authorizer: 50,
        access: 5,
        admission: 100,
        budget: 100,
        coordination: 20,
        deliberation: 40,
      },
      budgetActionsConcurrency: 10,
      costEventsConcurrency: 10,
      database: {
        instanceClass: 'm7g.large',
        storageGb: 100,
        storageGbMax: 1_000,
        multiAz: true,
        deletionProtection: true,
        removalPolicy: RemovalPolicy.SNAPSHOT,
        backupRetentionDays: 30,
        proxy: true,
        connectionsAlarm: 600,
      },
      judge: null,
    },
  });

/**
 * The settings of one stage.
 *
 * @param stage the value of `-c stage=`
 * @param policies overrides of the policy by stage, as in cdk.json: `{"prod": {"min_run_seconds": 30}}`
 * @throws when no such stage exists, naming the ones that do; when an override is wrong, naming it and what is allowed
 */
export function stageConfig(stage: unknown, policies: unknown = {}): StageConfig {
  const name = stageNames.find((known) => known === stage);
  if (name === undefined) {
    throw new Error(
      `Unknown stage ${JSON.stringify(stage)}: pass -c stage= with one of ${stageNames.join(', ')}.`,
    );
  }
  return { ...configs[name], policy: policyOf(name, policies) };
}

/** Those of the other stages are checked too: a mistake is seen before it is deployed. */
function policyOf(stage: StageName, policies: unknown): PolicyOverrides {
  if (typeof policies !== 'object' || policies === null || Array.isArray(policies)) {
    throw new Error('policy: must be an object of overrides by stage, {"prod": {"min_run_seconds": 30}}.');
  }
  const checked = Object.entries(policies).map(([name, overrides]) => {
    if (!stageNames.some((known) => known === name)) {
      throw new Error(`policy: unknown stage ${name}: use ${stageNames.join(', ')}.`);
    }
    try {
      return [name, checkOverrides(overrides)] as const;
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error);
      throw new Error(`policy of stage ${name}: ${what}`, { cause: error });
    }
  });
  return new Map<string, PolicyOverrides>(checked).get(stage) ?? {};
}
