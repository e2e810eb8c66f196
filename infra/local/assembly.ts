/** Reads a synthesised CDK cloud assembly: one stack's template and where its bundled code lies. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';

const templateSchema = z.object({
  Parameters: z
    .record(z.string(), z.object({ Type: z.string(), Default: z.unknown().optional() }))
    .default({}),
  Conditions: z.record(z.string(), z.unknown()).default({}),
  Resources: z.record(
    z.string(),
    z.object({
      Type: z.string(),
      Condition: z.string().optional(),
      Properties: z.record(z.string(), z.unknown()).default({}),
    }),
  ),
  Outputs: z.record(z.string(), z.object({ Value: z.unknown() })).default({}),
});

/** The parts of a CloudFormation template that the local stage reads; values are still unresolved. */
export type Template = z.infer<typeof templateSchema>;

const manifestSchema = z.object({
  files: z.record(z.string(), z.object({ source: z.object({ path: z.string() }) })).default({}),
});

export type Assembly = {
  template: Template;
  /** Folder of the asset whose object key is `<hash>.zip`; throws when the assembly has no such asset. */
  assetFolder: (objectKey: string) => string;
};

/**
 * Loads `<stackName>.template.json` and `<stackName>.assets.json` from `folder`.
 * Throws when the folder has no such stack, naming the stacks that it has.
 */
export function loadAssembly(folder: string, stackName: string): Assembly {
  const templateFile = path.join(folder, `${stackName}.template.json`);
  if (!existsSync(templateFile)) throw new Error(missingStackMessage(folder, stackName));
  const template = templateSchema.parse(JSON.parse(readFileSync(templateFile, 'utf8')));
  const manifest = manifestSchema.parse(
    JSON.parse(readFileSync(path.join(folder, `${stackName}.assets.json`), 'utf8')),
  );
  return {
    template,
    assetFolder(objectKey) {
      const asset = manifest.files[objectKey.replace(/\.zip$/, '')];
      if (asset === undefined) {
        throw new Error(`${stackName}.assets.json has no asset ${objectKey}; synthesise the stack again`);
      }
      return path.resolve(folder, asset.source.path);
    },
  };
}

function missingStackMessage(folder: string, stackName: string): string {
  const files = existsSync(folder) ? readdirSync(folder) : [];
  const stacks = files.flatMap((file) => /^(.+)\.template\.json$/.exec(file)?.[1] ?? []);
  const known = stacks.length > 0 ? `it holds ${stacks.join(', ')}` : 'it holds no stack';
  return `no stack ${stackName} in the cloud assembly ${folder}: ${known}`;
}
