/** What a rule's target receives: the whole event, a constant, a part of the event or a transformed text. */

import type { PropertiesOf } from './resource-types.ts';

type Target = PropertiesOf<'AWS::Events::Rule'>['Targets'][number];

/** Answers the text to deliver for an event; it is JSON unless a transformer made something else. */
export type RenderInput = (event: Record<string, unknown>) => string;

/** Compiles a target's input; throws on a JSON path or a placeholder that is not understood, naming `where`. */
export function compileTargetInput(target: Target, ruleArn: string, where: string): RenderInput {
  if (target.Input !== undefined) {
    const constant = target.Input;
    return () => constant;
  }
  if (target.InputPath !== undefined) {
    const read = compileJsonPath(target.InputPath, where);
    return (event) => JSON.stringify(read(event)) ?? 'null';
  }
  if (target.InputTransformer !== undefined) {
    return compileTransformer(target.InputTransformer, ruleArn, where);
  }
  return (event) => JSON.stringify(event);
}

function compileTransformer(
  { InputPathsMap, InputTemplate: template }: NonNullable<Target['InputTransformer']>,
  ruleArn: string,
  where: string,
): RenderInput {
  const readers = new Map<string, (event: Record<string, unknown>) => unknown>([
    ['aws.events.rule-arn', () => ruleArn],
    ['aws.events.rule-name', () => ruleArn.split('/').at(-1)],
    ['aws.events.event.ingestion-time', (event) => event.time],
    ['aws.events.event', (event) => event],
    ['aws.events.event.json', (event) => event],
  ]);
  for (const [name, path] of Object.entries(InputPathsMap)) readers.set(name, compileJsonPath(path, where));
  for (const [, name = ''] of template.matchAll(/<([^<>\s]+)>/g)) {
    if (!readers.has(name))
      throw new Error(`${where}: the input template uses <${name}>, which no path defines`);
  }
  return (event) =>
    template.replace(/<([^<>\s]+)>/g, (_match, name: string, offset: number) => {
      // A path that finds nothing leaves an empty text.
      const value = readers.get(name)?.(event) ?? '';
      if (!insideQuotes(template, offset)) return JSON.stringify(value);
      const text = typeof value === 'string' ? value : JSON.stringify(value);
      return JSON.stringify(text).slice(1, -1);
    });
}

function insideQuotes(template: string, offset: number): boolean {
  const quotes = template.slice(0, offset).match(/(?<!\\)"/g) ?? [];
  return quotes.length % 2 === 1;
}

/** EventBridge's subset of JSON paths: `$`, then names and indexes. */
function compileJsonPath(path: string, where: string): (event: Record<string, unknown>) => unknown {
  if (!/^\$(\.[\w-]+|\['[^']+'\]|\[\d+\])*$/.test(path)) {
    throw new Error(`${where}: the JSON path ${path} is not understood`);
  }
  const steps = [...path.matchAll(/\.([\w-]+)|\['([^']+)'\]|\[(\d+)\]/g)].map(
    ([, name, quoted, index]) => name ?? quoted ?? index ?? '',
  );
  return (event) =>
    steps.reduce<unknown>(
      (value, step) => (typeof value === 'object' && value !== null ? Reflect.get(value, step) : undefined),
      event,
    );
}
