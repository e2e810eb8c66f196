/** B1: money never passes through parseFloat or a binary sum. What is scanned here is the source itself. */

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';

const root = path.join(import.meta.dirname, '..');

function filesOf(folder: string, extension: string): string[] {
  return readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(extension))
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
    .sort();
}

/** The code alone: comments and quoted texts are blanked, what templates put in stays. */
function codeOf(file: string): string {
  return readFileSync(path.join(root, file), 'utf8')
    .replaceAll(/\/\*[\s\S]*?\*\//g, (comment) => comment.replaceAll(/[^\n]/g, ' '))
    .replaceAll(/(^|\s)\/\/.*$/gm, '$1')
    .replaceAll(/'(?:[^'\\\n]|\\.)*'/g, "''");
}

/** `file:line: code` of every line that a pattern finds. */
function findings(files: readonly string[], pattern: RegExp): string[] {
  return files.flatMap((file) =>
    codeOf(file)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [])),
  );
}

const sources = ['shared', 'functions', 'commands'].flatMap((folder) => filesOf(folder, '.ts'));
const sql = filesOf('migrations', '.sql').filter((file) => !file.endsWith('schema.sql'));

/** A member or variable that holds USD as a number: `costUSD`, `spent_usd`; never `bigint`, which says nanos. */
const usd = String.raw`[\w.?\])]*(?:USD|_usd)\b(?!\s*[(:])`;

test.each<[string, RegExp]>([
  ['parseFloat', /\bparseFloat\b/],
  ['Number( of an amount', /\bNumber\([^)]*(?:usd|USD|[nN]anos|price)/],
  ['a sum, difference or product of USD', new RegExp(`${usd}\\s*(?:[-+*/]=?|\\+\\+)\\s*[\\w(]`)],
  ['an amount added to something', new RegExp(`[\\w)\\]]\\s+[-+*/]=?\\s+${usd}`)],
  ['an amount turned into a float or back by hand', /[nN]anos\b\)?\s*[*/]\s*1(?:e9|_000_000_000)\b(?!n)/],
])('no money goes through %s', (_what, pattern) => {
  expect(findings(sources, pattern)).toEqual([]);
});

test('no amount of the store is or becomes a binary float', () => {
  const float = String.raw`\b(?:real|float[48]?|double precision)\b`;
  const money = '(?:usd|nanos|cost|price|spent|limit_value)';
  expect(findings(sql, new RegExp(`${money}.*${float}|${float}.*${money}`, 'i'))).toEqual([]);
});

test('the scan finds what it is for', () => {
  const bad = ['total_usd + cost_usd;', 'sum += event.costUSD;', 'a.costUSD * 2;', 'x - y.limitUSD'];
  const patterns = [
    new RegExp(`${usd}\\s*(?:[-+*/]=?|\\+\\+)\\s*[\\w(]`),
    new RegExp(`[\\w)\\]]\\s+[-+*/]=?\\s+${usd}`),
  ];
  expect(bad.filter((line) => !patterns.some((pattern) => pattern.test(line)))).toEqual([]);
});
