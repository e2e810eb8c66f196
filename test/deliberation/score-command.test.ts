import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readLines } from '../../commands/lines.ts';
import { scoreLine } from '../../commands/score.ts';
import { cache, textOf } from './samples.ts';

describe('a line of npm run score', () => {
  test('answers id, set, axes, contradiction and recommendation', () => {
    const result = scoreLine(
      JSON.stringify({ id: 'a', set: 's', goal: cache.goal, text: textOf(cache), label: 1 }),
    );
    expect(Object.keys(result)).toEqual([
      'id',
      'set',
      'depth',
      'coherence',
      'relevance',
      'overall',
      'contradiction',
      'recommendation',
    ]);
    expect(result).toMatchObject({ id: 'a', set: 's', contradiction: 0, recommendation: 'pass' });
  });

  test('reads a premise and thinking tokens', () => {
    const line = {
      id: 1,
      goal: 'g',
      text: 'The door is not open now.',
      premise: 'The door is open now.',
      thinkingTokens: 2001,
    };
    const result = scoreLine(JSON.stringify(line));
    expect(result.contradiction).toBeGreaterThan(0.5);
    expect(result.recommendation).toBe('fallback');
  });

  test.each([
    ['{"id": "a", "goal": "g"}', /text/],
    ['{"id": "a", "text": 5}', /text/],
    ['{"text": "t"}', /id/],
    ['not json', /JSON/],
  ])('%s is refused by name', (line, message) => {
    expect(() => scoreLine(line)).toThrow(message);
  });
});

describe('lines of a file', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lines-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });
  const linesOf = async (path: string) => {
    const lines: string[] = [];
    for await (const line of readLines(path)) lines.push(line);
    return lines;
  };

  test('come in order, plain or gzipped, with empty ones counted', async () => {
    const text = `first\n\nthird é ${'x'.repeat(200_000)}\r\nlast`;
    const expected = ['first', '', `third é ${'x'.repeat(200_000)}`, 'last'];
    await writeFile(join(folder, 'plain.jsonl'), text);
    await writeFile(join(folder, 'packed.jsonl.gz'), gzipSync(text));
    expect(await linesOf(join(folder, 'plain.jsonl'))).toEqual(expected);
    expect(await linesOf(join(folder, 'packed.jsonl.gz'))).toEqual(expected);
  });

  test.each(['missing.jsonl', 'missing.jsonl.gz', 'broken.jsonl.gz'])(
    '%s is named in the error',
    async (name) => {
      await writeFile(join(folder, 'broken.jsonl.gz'), 'this was never packed');
      await expect(linesOf(join(folder, name))).rejects.toThrow(name);
    },
  );

  test('a reader may stop early', async () => {
    await writeFile(join(folder, 'long.jsonl'), 'line\n'.repeat(100_000));
    for await (const line of readLines(join(folder, 'long.jsonl'))) {
      expect(line).toBe('line');
      break;
    }
  });
});
