/**
 * Cost events in the names of OpenTelemetry's GenAI conventions: the attributes of a model call's span, as they are. Pure.
 *
 * They come as the event's `attributes`, which may hold the whole span's, or flat in its `usage`. In the conventions as
 * here, input tokens include cached ones and output tokens reasoning ones.
 */

import type { TokenUsage } from './contract.ts';

/** Counts by attribute, with the names that the conventions had before. */
const countOf: ReadonlyMap<string, keyof TokenUsage> = new Map([
  ['gen_ai.usage.input_tokens', 'inputTokens'],
  ['gen_ai.usage.prompt_tokens', 'inputTokens'],
  ['gen_ai.usage.cache_read.input_tokens', 'cachedInputTokens'],
  ['gen_ai.usage.cache_creation.input_tokens', 'cacheWriteTokens'],
  ['gen_ai.usage.cache_write.input_tokens', 'cacheWriteTokens'],
  ['gen_ai.usage.output_tokens', 'outputTokens'],
  ['gen_ai.usage.completion_tokens', 'outputTokens'],
  ['gen_ai.usage.reasoning.output_tokens', 'reasoningTokens'],
]);

/** The model that answered is the one that is paid for. */
const modelNames = ['gen_ai.response.model', 'gen_ai.request.model'];
const providerNames = ['gen_ai.provider.name', 'gen_ai.system'];

/** Follows from the others. */
const totalName = 'gen_ai.usage.total_tokens';

/** The conventions' names of providers where the price library has others. */
const libraryProvider: Readonly<Record<string, string>> = {
  'aws.bedrock': 'aws',
  'azure.ai.inference': 'azure',
  'azure.ai.openai': 'azure',
  'az.ai.inference': 'azure',
  'az.ai.openai': 'azure',
  'gcp.gemini': 'google',
  'gcp.gen_ai': 'google',
  'gcp.vertex_ai': 'google',
  gemini: 'google',
  mistral_ai: 'mistral',
  moonshot_ai: 'moonshotai',
  vertex_ai: 'google',
  x_ai: 'x-ai',
  xai: 'x-ai',
};

type Fields = Readonly<Record<string, unknown>>;

/** One thing that the event says, and where it does. */
type Statement = { readonly name: string; readonly value: unknown; readonly where: string };

/**
 * The event in our own names; untouched when it uses none of the conventions'. Values are judged later.
 *
 * @returns a message naming both places when what is said twice does not agree, or naming a count that is not known
 */
export function fromOpenTelemetry(event: Fields): { readonly event: Fields } | { readonly message: string } {
  const { attributes, usage, ...rest } = event;
  const isFlat = usesOpenTelemetry(usage);
  if (attributes === undefined && !isFlat) return { event };
  if (attributes !== undefined && !isFields(attributes)) return { message: 'attributes: must be an object' };
  if (usage !== undefined && !isFields(usage)) return { message: 'usage: must be an object' };
  const flat: Fields = isFlat ? usage : {};
  const span: Fields = attributes ?? {};
  const strange = [...strangeIn(flat, 'usage', false), ...strangeIn(span, 'attributes', true)][0];
  if (strange !== undefined) {
    return { message: `${strange}: is no count of tokens that is known, so that it could not be priced` };
  }
  const ownUsage: Fields = isFlat ? {} : (usage ?? {});
  const counts = agreed([
    ...Object.entries(ownUsage).map(([name, value]) => ({ name, value, where: `usage.${name}` })),
    ...countsIn(flat, 'usage'),
    ...countsIn(span, 'attributes'),
  ]);
  const about = agreed([...providersIn(rest, span), ...modelsIn(rest, span)]);
  if (typeof counts === 'string') return { message: counts };
  if (typeof about === 'string') return { message: about };
  return { event: { ...rest, ...about, ...(Object.keys(counts).length === 0 ? {} : { usage: counts }) } };
}

/** Counts in the conventions' names as our own. @throws Error naming what is contradictory or not known */
export function countsOfOpenTelemetry(usage: Fields): Fields {
  const translated = fromOpenTelemetry({ usage });
  if ('message' in translated) throw new Error(translated.message);
  return isFields(translated.event.usage) ? translated.event.usage : {};
}

export function usesOpenTelemetry(usage: unknown): usage is Fields {
  return isFields(usage) && Object.keys(usage).some((name) => name.startsWith('gen_ai.'));
}

/** Counts that are not known: among a span's attributes those of usage, in `usage` whatever else is there. */
function strangeIn(fields: Fields, place: string, isSpan: boolean): string[] {
  const known = (name: string) => countOf.has(name) || name === totalName;
  return Object.keys(fields)
    .filter((name) => !known(name) && (!isSpan || name.startsWith('gen_ai.usage.')))
    .map((name) => `${place}["${name}"]`);
}

function countsIn(fields: Fields, place: string): Statement[] {
  return Object.entries(fields).flatMap(([name, value]) => {
    const count = countOf.get(name);
    return count === undefined ? [] : [{ name: count, value, where: `${place}["${name}"]` }];
  });
}

function providersIn({ provider }: Fields, span: Fields): Statement[] {
  const [name] = providerNames.filter((each) => span[each] !== undefined);
  const own = provider === undefined ? [] : [{ name: 'provider', value: provider, where: 'provider' }];
  if (name === undefined) return own;
  return [...own, { name: 'provider', value: span[name], where: `attributes["${name}"]` }].map(
    (statement) => ({ ...statement, value: inLibrary(statement.value) }),
  );
}

function inLibrary(provider: unknown): unknown {
  return typeof provider === 'string' ? (libraryProvider[provider] ?? provider) : provider;
}

/** A model asked for and the one that answered may differ: our own must be either. */
function modelsIn({ model }: Fields, span: Fields): Statement[] {
  const said = modelNames.filter((name) => span[name] !== undefined);
  const [name] = said;
  const own = model === undefined ? [] : [{ name: 'model', value: model, where: 'model' }];
  if (name === undefined || said.some((each) => span[each] === model)) return own;
  return [...own, { name: 'model', value: span[name], where: `attributes["${name}"]` }];
}

/** Each thing once; a message when it is said in two ways. */
function agreed(statements: readonly Statement[]): Record<string, unknown> | string {
  const found = new Map<string, Statement>();
  for (const statement of statements) {
    const before = found.get(statement.name);
    if (before !== undefined && before.value !== statement.value) {
      return (
        `${before.where} is ${JSON.stringify(before.value)} and ${statement.where} is ` +
        `${JSON.stringify(statement.value)}; give one of them, or the same in both`
      );
    }
    found.set(statement.name, before ?? statement);
  }
  return Object.fromEntries([...found].map(([name, { value }]) => [name, value]));
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
