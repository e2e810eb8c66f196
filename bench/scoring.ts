/** What the built-in scorer takes for a text, beside counting keywords, as reasoning is often scored first. */

import { existsSync } from 'node:fs';
import { coreSets, readSet } from '../commands/fit/dev-sets.ts';
import { scoreLocally } from '../shared/deliberation/local-scorer.ts';

export type ScoringResult = {
  readonly texts: number;
  readonly words_max: number;
  /** Reading the tables and the first text. */
  readonly first_ms: number;
  readonly scorer: Spread;
  readonly keywords: Spread;
};

type Spread = { readonly median_ms: number; readonly p95_ms: number; readonly max_ms: number };

const data = '../shared/data/deliberation/dev';
const words_max = 800;
const texts_max = 3000;

/** Null, with a message, where the reasoning sets are absent. */
export async function measureScoring(log: (line: string) => void): Promise<ScoringResult | null> {
  if (!existsSync(data)) {
    log(`scoring: left out, ${data} is absent`);
    return null;
  }
  const all = (await Promise.all(coreSets.map((set) => readSet(data, set)))).flat();
  const short = all.filter(({ text }) => text.split(/\s+/).length <= words_max);
  const every = Math.ceil(short.length / texts_max);
  const texts = short.filter((_, at) => at % every === 0);
  log(`scoring: ${texts.length} texts`);
  const [first] = texts;
  const first_ms = first === undefined ? 0 : timed(() => scoreLocally(first));
  const scorer: number[] = [];
  const keywords: number[] = [];
  for (const text of texts) {
    scorer.push(timed(() => scoreLocally(text)));
    keywords.push(timed(() => countKeywords(text)));
  }
  return { texts: texts.length, words_max, first_ms, scorer: spreadOf(scorer), keywords: spreadOf(keywords) };
}

function timed(work: () => unknown): number {
  const started_ms = performance.now();
  work();
  return performance.now() - started_ms;
}

/** Connectives for depth, few repeated words for coherence, words of the goal for relevance. */
function countKeywords({ goal, text }: { readonly goal: string; readonly text: string }): number {
  const words: readonly string[] = text.toLowerCase().match(/\p{L}+/gu) ?? [];
  const asked = new Set(goal.toLowerCase().match(/\p{L}+/gu));
  const depth = words.filter((word) => /^(?:because|therefore|however|alternatively|thus|since)$/.test(word));
  const covered = [...asked].filter((word) => words.includes(word));
  return depth.length / 5 + new Set(words).size / words.length + covered.length / asked.size;
}

function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((left, right) => left - right);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { median_ms: at(0.5), p95_ms: at(0.95), max_ms: at(1) };
}

/** Lines of the table: a name and its cells. */
export function scoringTable(result: ScoringResult | null): string[][] {
  if (result === null) return [];
  const line = (name: string, { median_ms, p95_ms, max_ms }: Spread) => [
    name,
    median_ms.toFixed(3),
    p95_ms.toFixed(3),
    max_ms.toFixed(1),
    (median_ms / result.keywords.median_ms).toFixed(0),
  ];
  return [
    [`${result.texts} texts up to ${result.words_max} words`, 'median ms', 'p95 ms', 'max ms', 'x keywords'],
    line('  built-in scorer', result.scorer),
    line('  keyword count', result.keywords),
    ['  first text, tables read', result.first_ms.toFixed(0)],
  ];
}
