import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as z from 'zod';
import type { JudgeConfig, StageName } from '../../infra/config.ts';
import { mothershipApp } from '../../infra/mothership-app.ts';

const templateSchema = z.object({
  Resources: z.record(
    z.string(),
    z.object({
      Type: z.string(),
      Properties: z.record(z.string(), z.unknown()).default({}),
      DeletionPolicy: z.string().optional(),
      DependsOn: z.union([z.string(), z.array(z.string())]).optional(),
    }),
  ),
  Outputs: z.record(z.string(), z.object({ Export: z.object({ Name: z.string() }).optional() })).default({}),
});

export type Template = z.infer<typeof templateSchema>;
export type Resource = Template['Resources'][string];

/** The templates of a stage; `data` is null where the stage has no Data stack. */
export type Templates = { readonly app: Template; readonly data: Template | null };

const unchecked = new Map<StageName, Templates>();

/** The templates of a stage without its code and without checks; synthesised once per test file. */
export function templatesOf(stage: StageName): Templates {
  const known = unchecked.get(stage) ?? synthesise(stage);
  unchecked.set(stage, known);
  return known;
}

/** Synthesises a stage without its code. With `checkRules`, throws when a rule of cdk-nag is broken. */
export function synthesise(
  stage: StageName,
  {
    checkRules = false,
    context = {},
    judge,
  }: { checkRules?: boolean; context?: Record<string, unknown>; judge?: JudgeConfig | undefined } = {},
): Templates {
  const outputFolder = mkdtempSync(path.join(tmpdir(), 'mothership-assembly-'));
  try {
    const app = mothershipApp({
      stage,
      outputFolder,
      bundleCode: false,
      checkRules,
      context,
      ...(judge && { judge }),
    });
    const stacks = app.synth().stacks;
    const template = (name: string): Template | null => {
      const stack = stacks.find(({ stackName }) => stackName === `${name}-${stage}`);
      return stack === undefined ? null : templateSchema.parse(stack.template);
    };
    const appTemplate = template('MothershipApp');
    if (appTemplate === null) throw new Error(`The App stack of ${stage} is missing.`);
    return { app: appTemplate, data: template('MothershipData') };
  } finally {
    rmSync(outputFolder, { recursive: true, force: true });
  }
}

/** Every resource of a type, by logical id. */
export function resourcesOf(template: Template | null, type: string): [string, Resource][] {
  return Object.entries(template?.Resources ?? {}).filter(([, resource]) => resource.Type === type);
}

/** Properties of every resource of a type, each read by a schema that names the ones under test. */
export function propertiesOf<S extends z.ZodType>(
  template: Template | null,
  type: string,
  schema: S,
): (z.infer<S> & { readonly id: string })[] {
  return resourcesOf(template, type).map(([id, { Properties }]) => {
    const result = schema.safeParse(Properties);
    if (!result.success) throw new Error(`${id}: ${z.prettifyError(result.error)}`);
    return { ...(result.data as object), id } as z.infer<S> & { readonly id: string };
  });
}

/** A `Ref` or `Fn::GetAtt`, read as the logical id that it points at. */
export const pointer = z.union([
  z.object({ Ref: z.string() }).transform(({ Ref }) => Ref),
  z.object({ 'Fn::GetAtt': z.tuple([z.string(), z.string()]) }).transform((get) => get['Fn::GetAtt'][0]),
]);

/** Every object in a JSON value that has the key, as the values under that key. */
export function valuesUnder(key: string, value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, child]) => [
    ...(name === key ? [child] : []),
    ...valuesUnder(key, child),
  ]);
}
