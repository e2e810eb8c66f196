import { calcPrice } from '@pydantic/genai-prices';
import { Aws, Duration } from 'aws-cdk-lib';
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { FilterPattern, MetricFilter } from 'aws-cdk-lib/aws-logs';
import type { JudgeConfig, StageConfig } from './config.ts';
import type { MothershipFunction } from './mothership-function.ts';

/** What a function has for everything but the judge comes on top, and both must end before API Gateway does, after 30 s. */
const timeout_seconds = { min: 1, max: 12 };
const attempts = { min: 1, max: 5 };

/**
 * @throws Error naming the setting and what is allowed: at synthesis, so that nothing is deployed that cannot work, or
 * whose cost nobody could book
 */
export function checkJudge(stage: string, judge: JudgeConfig): void {
  const refuse = (what: string): never => {
    throw new Error(`judge of stage ${stage}: ${what}`);
  };
  const inRange = (name: 'timeoutSeconds' | 'attempts', { min, max }: { min: number; max: number }): void => {
    const value = judge[name];
    if (!Number.isInteger(value) || value < min || value > max) {
      refuse(`${name} must be a whole number from ${min} to ${max}.`);
    }
  };
  inRange('timeoutSeconds', timeout_seconds);
  inRange('attempts', attempts);
  const { modelId, profileOf } = judge;
  // Neither wildcards nor a second resource may come into the role's policy by way of a name.
  for (const id of [modelId, ...(profileOf === null ? [] : [profileOf.modelId])]) {
    if (!/^[a-zA-Z0-9][a-zA-Z0-9.:/-]*$/.test(id))
      refuse(`${JSON.stringify(id)} is no id of a model or profile.`);
  }
  if (profileOf === null && /^arn:/.test(modelId)) {
    refuse(
      `${modelId} is an ARN: only inference profiles are named by one, so say in profileOf of which model.`,
    );
  }
  if (profileOf !== null && profileOf.regions.length === 0) {
    refuse('profileOf.regions must name the regions that the profile sends calls to.');
  }
  if (judge.price === 'library' && !hasLibraryPrice(modelId)) {
    refuse(
      `the price library knows no price of ${modelId} at AWS, so that its cost could not be booked. Take another ` +
        "model; or set price to 'operator' and give it a price with PUT /v1/prices (provider aws). " +
        'Until it has one the judge is not asked.',
    );
  }
}

function hasLibraryPrice(modelId: string): boolean {
  const match = calcPrice({}, modelId, { providerId: 'aws' });
  return match?.model_price.input_mtok !== undefined && match.model_price.output_mtok !== undefined;
}

/** Lets its function invoke exactly this model: the model itself, or the profile and, through that alone, its model. */
export function judgePermissions({ modelId, profileOf }: JudgeConfig): PolicyStatement[] {
  const actions = ['bedrock:InvokeModel'];
  const model = (id: string, region: string) =>
    `arn:${Aws.PARTITION}:bedrock:${region}::foundation-model/${id}`;
  if (profileOf === null) return [new PolicyStatement({ actions, resources: [model(modelId, Aws.REGION)] })];
  const profile = modelId.startsWith('arn:')
    ? modelId
    : `arn:${Aws.PARTITION}:bedrock:${Aws.REGION}:${Aws.ACCOUNT_ID}:inference-profile/${modelId}`;
  // A global profile also needs the model without a region.
  const regions = [...profileOf.regions, ...(modelId.startsWith('global.') ? [''] : [])];
  return [
    new PolicyStatement({ actions, resources: [profile] }),
    new PolicyStatement({
      actions,
      resources: regions.map((region) => model(profileOf.modelId, region)),
      conditions: { StringEquals: { 'bedrock:InferenceProfileArn': profile } },
    }),
  ];
}

/** Scores of the review band that the judge gave no opinion on, by a failure; counted from the lines of the log. */
export function judgeFailures(lambda: MothershipFunction, { stage }: StageConfig): Metric {
  const [metricNamespace, metricName] = ['Mothership', 'JudgeFailures'];
  new MetricFilter(lambda, 'JudgeFailures', {
    logGroup: lambda.logGroup,
    filterPattern: FilterPattern.exists('$.judgeFailure'),
    metricNamespace,
    metricName,
    metricValue: '1',
    dimensions: { stage: '$.stage' },
  });
  return new Metric({
    namespace: metricNamespace,
    metricName,
    dimensionsMap: { stage },
    period: Duration.minutes(5),
    statistic: Stats.SUM,
  });
}
