import { Fn } from 'aws-cdk-lib';
import type { StageName } from './config.ts';

/**
 * What the Data stack hands to the App stack, as CloudFormation exports with names fixed here.
 *
 * The App stack holds no construct of the Data stack, so it synthesises without it; whoever runs the App stack
 * elsewhere (the local stage, an emulator) only has to answer these names.
 */
const dataExports = [
  'ApplicationSecretArn',
  'SubnetIdA',
  'SubnetIdB',
  'FunctionSecurityGroupId',
  'AlarmTopicArn',
] as const;

export type DataExport = (typeof dataExports)[number];

/** The name of the CloudFormation export, such as `MothershipData-dev:SubnetIdA`. */
export function exportName(stage: StageName, name: DataExport): string {
  return `MothershipData-${stage}:${name}`;
}

/** A token that deploys to the exported value. */
export function importFromDataStack(stage: StageName, name: DataExport): string {
  return Fn.importValue(exportName(stage, name));
}
