/**
 * Names of the environment variables a function may have.
 *
 * Names only: the CDK app imports this file to set them, `process-env.ts` imports it to read them, so the two
 * cannot drift apart. Nothing here may touch `process`.
 */
export const environmentNames = {
  /** ARN of the JSON secret `{host, port, dbname, username, password}` of the application role. */
  databaseSecretArn: 'DATABASE_SECRET_ARN',
  eventBusName: 'EVENT_BUS_NAME',
  /** Queue URLs by class, index 0 for P0. */
  taskQueueUrls: ['TASK_QUEUE_URL_P0', 'TASK_QUEUE_URL_P1', 'TASK_QUEUE_URL_P2', 'TASK_QUEUE_URL_P3'],
  /** Where messages of the queue `cost-events` are put aside. */
  costDeadLettersUrl: 'COST_DEAD_LETTERS_URL',
  /** How often such a message is received before SQS puts it aside by itself. */
  costReceivesMax: 'COST_RECEIVES_MAX',
  stage: 'STAGE',
  /** `allowed` lets operator keys set the time of a call; on the local stage only. */
  virtualTime: 'VIRTUAL_TIME',
  /** JSON of the policy's numbers that the stage overrides, `{"min_run_seconds": 30}`; absent when it overrides none. */
  policyOverrides: 'POLICY_OVERRIDES',
  /** JSON of the judge of reasoning, as `JudgeEnvironment`; absent where none is switched on. */
  judge: 'JUDGE',
  /** A pino level; `info` when absent. */
  logLevel: 'LOG_LEVEL',
} as const;

/** What `judge` holds. */
export type JudgeEnvironment = {
  readonly modelId: string;
  /** For a whole opinion, attempts and pauses included. */
  readonly timeout_ms: number;
  readonly attempts_max: number;
};
