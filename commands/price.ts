import { once } from 'node:events';
import { parseArgs } from 'node:util';
import * as z from 'zod';
import type { UnitCounts } from '../shared/budget/billed-units.ts';
import { tokenUsage } from '../shared/budget/contract.ts';
import { countsOfOpenTelemetry, usesOpenTelemetry } from '../shared/budget/otel-usage.ts';
import { findPriceList, type LibraryPriceList } from '../shared/budget/price-catalog.ts';
import { countsOfBody, countsOfTokens, isUnitCounts } from '../shared/budget/price-usage.ts';
import { priceCounts, unknownModel } from '../shared/budget/prices.ts';
import { nanosToUsd } from '../shared/platform/money.ts';
import { progress, readLines } from './lines.ts';

const help = `Usage: npm run price -- FILE.jsonl[.gz] [--json]

Prices model usage with the prices in force at its time, one line of output for each line of input, in the same order.

Input line:  {"id", "provider"?, "model", "at", "usage"}; other fields are ignored. Without a provider the model's name
             decides, also as "provider/model". "at" is ISO 8601. "usage" is one of
             - {"inputTokens", "cachedInputTokens"?, "cacheWriteTokens"?, "outputTokens", "reasoningTokens"?}: cached
               and cache-write tokens are part of the input, reasoning tokens part of the output
             - the same by the names of OpenTelemetry, such as {"gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"}
             - counts by the names of genai-prices, such as {"input_tokens", "cache_read_tokens", "output_tokens"};
               what is not counted is zero
             - the usage body of the provider's answer, as it came
Output line: {"id", "costUSD", "priceVersion"}, or {"id", "error"} where the line cannot be priced

  --json   lines of JSON (default: a table)
  --help   this text

Exits 1 when the file cannot be read, or a line of it is not JSON with an id; the message names the line.
`;

const identified = z.object({ id: z.union([z.string(), z.number()]) });
const priceable = z.object({
  provider: z.string().min(1).nullish(),
  model: z.string().min(1),
  at: z.iso.datetime({ offset: true }),
  usage: z.record(z.string(), z.unknown()),
});

type Id = string | number;
type PricedLine = { id: Id; costUSD: number; priceVersion: string } | { id: Id; error: string };

/**
 * Prices one line of input.
 *
 * @throws Error when the line is not JSON or has no id; whatever else is wrong is told in the answer
 */
export function priceLine(line: string): PricedLine {
  const value: unknown = JSON.parse(line);
  const { id } = parsed(identified, value);
  try {
    const { provider, model, at, usage } = parsed(priceable, value);
    const query = { provider: provider ?? undefined, model, at: new Date(at) };
    const list = findPriceList(query.provider, model, query.at);
    if (list === null) return { id, error: unknownModel(query).message };
    const price = priceCounts(list, countsOf(list, usage));
    if (price.kind !== 'priced') return { id, error: price.message };
    return { id, costUSD: nanosToUsd(price.costNanos), priceVersion: price.priceVersion };
  } catch (error) {
    return { id, error: messageOf(error) };
  }
}

/** @throws Error naming what is wrong with the usage */
function countsOf({ provider }: LibraryPriceList, usage: Readonly<Record<string, unknown>>): UnitCounts {
  if ('inputTokens' in usage || 'outputTokens' in usage) return countsOfTokens(parsed(tokenUsage, usage));
  if (usesOpenTelemetry(usage)) return countsOfTokens(parsed(tokenUsage, countsOfOpenTelemetry(usage)));
  if (isUnitCounts(usage)) return usage;
  const counts = countsOfBody(provider, usage);
  if (counts !== null) return counts;
  throw new Error(
    `usage with ${Object.keys(usage).join(', ')} is no form of usage known for provider ` +
      `"${provider.id}"; give inputTokens and outputTokens.`,
  );
}

function parsed<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new Error(
    result.error.issues.map(({ path, message }) => `${path.join('.') || 'the line'}: ${message}`).join('; '),
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: 'boolean' }, help: { type: 'boolean' } },
  });
  if (values.help) {
    process.stdout.write(help);
    return;
  }
  const [path, ...more] = positionals;
  if (path === undefined || more.length > 0) throw new Error(`Name one file.\n\n${help}`);
  const shown = progress('usages');
  let number = 0;
  for await (const line of readLines(path)) {
    number += 1;
    if (line.trim() === '') continue;
    const written = write(priced(line, path, number), values.json === true);
    if (!written) await once(process.stdout, 'drain');
    shown.tick();
  }
  shown.done();
}

function priced(line: string, path: string, number: number): PricedLine {
  try {
    return priceLine(line);
  } catch (error) {
    throw new Error(`${path}, line ${number}: ${messageOf(error)}`, { cause: error });
  }
}

function write(result: PricedLine, json: boolean): boolean {
  if (json) return process.stdout.write(`${JSON.stringify(result)}\n`);
  return process.stdout.write(`${Object.values(result).join('\t')}\n`);
}

if (import.meta.main) {
  main().catch((error: unknown) => {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exitCode = 1;
  });
}
