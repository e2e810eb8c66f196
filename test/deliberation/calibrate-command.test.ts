import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { tenantPolicy } from '../../shared/admission/tenant-policy.ts';
import { cache, textOf, whale } from './samples.ts';

const command = join(import.meta.dirname, '../../commands/calibrate.ts');
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'calibrate-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

type Run = { readonly code: number; readonly out: string; readonly err: string };

function calibrate(...args: readonly string[]): Promise<Run> {
  return new Promise((resolve) => {
    execFile(process.execPath, [command, ...args], (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

async function fileOf(name: string, lines: readonly unknown[]): Promise<string> {
  const path = join(folder, name);
  const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n');
  await writeFile(path, name.endsWith('.gz') ? gzipSync(text) : text);
  return path;
}

const scored = (value: number, more: object = {}) => ({
  ...{ depth: value, coherence: value, relevance: value, overall: value },
  ...more,
});
const sound = [0.9, 0.8, 0.7, 0.6, 0.3];
const bad = [0.5, 0.4, 0.3, 0.2, 0.1];

test('labelled scores become a policy that can be pasted, and a call that sets it', async () => {
  const path = await fileOf('scores.jsonl', [
    ...sound.map((value, index) => scored(value, { label: index % 2 === 0 ? 1 : true, id: index })),
    '',
    ...bad.map((value, index) => scored(value, { label: index % 2 === 0 ? 0 : false })),
  ]);
  const { code, out, err } = await calibrate(
    path,
    '--max-false-reject',
    '0',
    '--max-false-pass',
    '0',
    '--json',
  );
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const answer = JSON.parse(out);
  expect(answer).toMatchObject({
    lines: 10,
    sound: 5,
    bad: 5,
    policy: { rejectOverall: 0.201, passOverall: 0.501, passDepth: 0 },
    stagePolicy: { reject_overall: 0.201, pass_overall: 0.501 },
    inForce: { pass_overall: 0.6, reject_depth: 0.2 },
    rates: { inForce: { soundRejected: { count: 1, of: 5 } } },
  });
  expect(tenantPolicy.safeParse(answer.policy).success).toBe(true);
  expect(answer.curl).toContain(`-d '${JSON.stringify({ policy: answer.policy })}'`);
  expect(answer.warnings.join(' ')).toContain('Too few sound texts: 5');
  const table = await calibrate(path, '--tenant', 'acme');
  for (const words of [
    '10 labelled texts: 5 sound, 5 bad.',
    'Warning: Too few bad texts: 5',
    '/v1/tenants/acme/quotas',
    '{"policy":{"passOverall":',
    'bad texts passed',
  ]) {
    expect(table.out).toContain(words);
  }
});

test('labels of another file are joined by set and id; variants other than "orig" are bad', async () => {
  const scores = await fileOf('predictions.jsonl.gz', [
    scored(0.9, { set: 's', id: 'a' }),
    scored(0.1, { set: 't', id: 'a' }),
    scored(0.2, { set: 's', id: 2 }),
    scored(0.5, { set: 's', id: 'unknown' }),
  ]);
  const labels = await fileOf('labels.jsonl', [
    { set: 's', id: 'a', variant: 'orig', goal: 'g', text: 'the text stands here too' },
    { set: 't', id: 'a', variant: 'shuffle' },
    { set: 's', id: '2', label: 0, variant: 'orig' },
    { set: 's', id: 'never scored', label: 1 },
  ]);
  const { code, out } = await calibrate(scores, '--labels', labels, '--json');
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ lines: 3, sound: 1, bad: 2, withoutLabel: 1, withoutScore: 1 });
});

test('texts are scored here', async () => {
  const path = await fileOf('texts.jsonl', [
    { goal: cache.goal, text: textOf(cache), label: 1 },
    { goal: cache.goal, text: textOf(whale), label: 0 },
    { goal: null, text: 'Done.', variant: 'truncate_half' },
  ]);
  const { code, out } = await calibrate(path, '--json');
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ sound: 1, bad: 2 });
});

test('what a tenant has of its own is compared with, as GET shows it', async () => {
  const path = await fileOf('own.jsonl', [scored(0.9, { label: 1 }), scored(0.1, { label: 0 })]);
  const own = JSON.stringify({ graceSeconds: 30, passDepth: 0.5, rejectDepth: null });
  const { out } = await calibrate(path, '--in-force', own, '--json');
  expect(JSON.parse(out).inForce).toMatchObject({ pass_depth: 0.5, pass_coherence: 0.6, reject_depth: 0.2 });
});

test('the page is one file, with a picture for each axis, and runs and fetches nothing', async () => {
  const path = await fileOf('<page>.jsonl', [
    ...sound.map((value) => scored(value, { label: 1 })),
    ...bad.map((value) => scored(value, { label: 0 })),
  ]);
  const report = join(folder, 'page.html');
  expect((await calibrate(path, '--report', report)).code).toBe(0);
  const page = await readFile(report, 'utf8');
  expect(page.match(/<svg viewBox[^>]*role="img"/g)).toHaveLength(8);
  expect(page).toContain('&lt;page&gt;.jsonl');
  expect(page).not.toMatch(/<script|https?:|url\(|NaN|undefined/);
});

describe('what cannot be used is refused by line and field', () => {
  const fine = scored(0.5, { label: 1 });
  test.each<[string, unknown, string]>([
    ['no JSON', 'score: 1', 'is not JSON'],
    ['no object', '[1]', 'the line: '],
    ['no label', scored(0.5), 'label: is required'],
    ['a label that is none', scored(0.5, { label: 3 }), 'label: must be 1 or 0, or true or false'],
    ['a score above 1', { ...fine, depth: 1.1 }, 'depth: '],
    ['a score that is no number', { ...fine, relevance: '0.5' }, 'relevance: '],
    ['an axis that is missing', { label: 1, depth: 0.5, coherence: 0.5, overall: 0.5 }, 'relevance: '],
    ['a text that is none', { label: 0, text: 5 }, 'text: '],
  ])('%s', async (name, line, message) => {
    const path = await fileOf(`${name}.jsonl`, [fine, '', line]);
    const { code, out, err } = await calibrate(path);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain(`${path}, line 3: `);
    expect(err).toContain(message);
  });

  test('labels that contradict each other', async () => {
    const scores = await fileOf('p.jsonl', [scored(0.5, { id: 1 })]);
    const labels = await fileOf('l.jsonl', [
      { id: 1, label: 1 },
      { id: 1, label: 0 },
    ]);
    const { code, err } = await calibrate(scores, '--labels', labels);
    expect(code).toBe(1);
    expect(err).toContain(`${labels}, line 2: label: contradicts`);
  });

  test.each([
    [['--max-false-reject', '2'], '--max-false-reject: must be a number from 0 to 1'],
    [['--max-false-pass', ''], '--max-false-pass: must be'],
    [['--in-force', '{"passDepth": 2}'], '--in-force: passDepth: must be a number from 0 to 1'],
    [['--in-force', 'strict'], '--in-force: is not JSON'],
  ])('the option %j', async (options, message) => {
    const path = await fileOf('options.jsonl', [fine, scored(0.1, { label: 0 })]);
    const { code, err } = await calibrate(path, ...options);
    expect(code).toBe(1);
    expect(err).toContain(message);
  });

  test('a file of one kind only, and one that is not there', async () => {
    const path = await fileOf('sound.jsonl', [fine]);
    expect(await calibrate(path)).toMatchObject({ code: 1, err: expect.stringContaining('0 bad') });
    const missing = join(folder, 'missing.jsonl');
    expect(await calibrate(missing)).toMatchObject({
      code: 1,
      err: expect.stringContaining('missing.jsonl'),
    });
  });
});

test('--help', async () => {
  expect(await calibrate('--help')).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^Usage: npm run calibrate/),
  });
});
