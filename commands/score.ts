import { once } from 'node:events';
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { policyInForce } from '../shared/admission/policy-in-force.ts';
import { scoreLocally } from '../shared/deliberation/local-scorer.ts';
import { verdictOf } from '../shared/deliberation/verdict.ts';
import { progress, readLines } from './lines.ts';

const help = `Usage: npm run score -- FILE.jsonl[.gz] [--json]

Scores reasoning texts with the built-in scorer, one line of output for each line of input, in the same order.

Input line:  {"id", "set", "goal", "text", "premise"?, "thinkingTokens"?}; other fields are ignored. With a premise,
             contradiction is judged between it and the text.
Output line: {"id", "set", "depth", "coherence", "relevance", "overall", "contradiction", "recommendation"};
             contradiction is 0..1 and higher is worse.

  --json   lines of JSON (default: a table)
  --help   this text

Exits 1 when the file or a line of it cannot be read; the message names the line.
`;

const inputLine = z.object({
  id: z.union([z.string(), z.number()]),
  set: z.string().optional(),
  goal: z.string().nullish(),
  text: z.string(),
  premise: z.string().nullish(),
  thinkingTokens: z.number().int().min(0).optional(),
});
type InputLine = z.infer<typeof inputLine>;

/**
 * Scores one line of input.
 *
 * @throws Error naming the fields that are wrong when the line is not JSON or not of the documented shape
 */
export function scoreLine(line: string): Record<string, string | number> {
  const { id, set, goal, text, premise, thinkingTokens } = parseLine(line);
  const score = scoreLocally({ text, goal: goal ?? '', ...(premise ? { premise } : {}) });
  return {
    id,
    ...(set === undefined ? {} : { set }),
    depth: score.depth,
    coherence: score.coherence,
    relevance: score.relevance,
    overall: score.overall,
    contradiction: score.contradiction,
    recommendation: verdictOf(score, thinkingTokens ?? 0, policyInForce()),
  };
}

function parseLine(line: string): InputLine {
  const parsed = inputLine.safeParse(JSON.parse(line));
  if (parsed.success) return parsed.data;
  throw new Error(
    parsed.error.issues.map((issue) => `${issue.path.join('.') || 'the line'}: ${issue.message}`).join('; '),
  );
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
  const shown = progress('texts');
  let number = 0;
  for await (const line of readLines(path)) {
    number += 1;
    if (line.trim() === '') continue;
    const written = write(scored(line, path, number), values.json === true);
    if (!written) await once(process.stdout, 'drain');
    shown.tick();
  }
  shown.done();
}

function scored(line: string, path: string, number: number): Record<string, string | number> {
  try {
    return scoreLine(line);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`${path}, line ${number}: ${message}`, { cause: error });
  }
}

function write(result: Record<string, string | number>, json: boolean): boolean {
  if (json) return process.stdout.write(`${JSON.stringify(result)}\n`);
  const cells = Object.values(result).map((value) => (typeof value === 'number' ? value.toFixed(3) : value));
  return process.stdout.write(`${cells.join('\t')}\n`);
}

if (import.meta.main) {
  main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}
