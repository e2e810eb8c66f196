import { readFileSync } from 'node:fs';
import path from 'node:path';
import { App, Tags, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';
import { AppStack } from './app-stack.ts';
import { type JudgeConfig, type StageName, stageConfig } from './config.ts';
import { DataStack } from './data-stack.ts';
import { checkJudge } from './judge.ts';

export type MothershipAppOptions = {
  /** Overrides `-c stage=` and the default of cdk.json. */
  readonly stage?: StageName;
  /** Folder of the cloud assembly; the CDK command line chooses it when absent. */
  readonly outputFolder?: string;
  /** False leaves the code out, which makes a template that can be read but not deployed. Default true. */
  readonly bundleCode?: boolean;
  /**
   * False skips cdk-nag and CDK's own template validation, which take most of the time of a synthesis: for a caller
   * that starts the stage again and again from a tree that its tests have checked. Default true.
   */
  readonly checkRules?: boolean;
  /** A judge in place of the stage's own setting. */
  readonly judge?: JudgeConfig;
  /** Further context, such as `alarmEmail` or `policy`, over that of cdk.json. */
  readonly context?: { readonly [key: string]: unknown };
};

/**
 * The CDK app of one stage. `synth()` throws when a rule of cdk-nag is broken and not acknowledged.
 *
 * The Data stack exists on deployed stages only; on `local` its exports are supplied from outside.
 *
 * @throws when the stage is unknown, the policy of cdk.json is wrong, or the stage's judge cannot work
 */
export function mothershipApp(options: MothershipAppOptions = {}): App {
  const checkRules = options.checkRules ?? true;
  const app = new App({
    builtinCloudFormationValidation: checkRules,
    // The feature flags, which the command line passes by itself, also when called from a program.
    context: { ...cdkJsonContext(), ...options.context },
    ...(options.outputFolder !== undefined && { outdir: options.outputFolder }),
    ...(options.bundleCode === false && { postCliContext: { 'aws:cdk:bundling-stacks': [] } }),
  });
  const configured = stageConfig(
    options.stage ?? app.node.tryGetContext('stage'),
    app.node.tryGetContext('policy') ?? {},
  );
  const config = { ...configured, judge: options.judge ?? configured.judge };
  if (config.judge !== null) checkJudge(config.stage, config.judge);
  Tags.of(app).add('app', 'mothership');
  Tags.of(app).add('stage', config.stage);
  const stackProps = { config, terminationProtection: config.terminationProtection };

  const appStack = new AppStack(app, `MothershipApp-${config.stage}`, {
    ...stackProps,
    description: 'Mothership: API, functions, bus and queues',
  });
  if (config.database !== null) {
    const dataStack = new DataStack(app, `MothershipData-${config.stage}`, {
      ...stackProps,
      database: config.database,
      alarmEmail: app.node.tryGetContext('alarmEmail'),
      description: 'Mothership: network, database and its secrets',
    });
    // Imported by name, so CDK cannot see it. It also puts the migrations before the functions that need them.
    appStack.addStackDependency(dataStack);
  }

  if (checkRules) Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app));
  return app;
}

function cdkJsonContext(): Record<string, unknown> {
  const file = path.join(import.meta.dirname, '..', 'cdk.json');
  const { context } = JSON.parse(readFileSync(file, 'utf8')) as { context: Record<string, unknown> };
  return context;
}
