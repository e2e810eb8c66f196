/** `npm run docs`: writes the generated documents; `--check` fails when they are stale. */

import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { asyncApiDocument, eventsTable } from '../shared/coordination/asyncapi.ts';
import { openApiDocument } from '../shared/coordination/openapi.ts';

const help = `Usage: npm run docs [-- --check] [--json]
Writes docs/openapi.json, docs/asyncapi.json and docs/events.md from the code.
  --check  write nothing; exit 1 when a document differs from the code
  --json   print {"documents": [{"file", "stale"}]}
`;

const asJson = (document: unknown) => `${JSON.stringify(document, null, 2)}\n`;

const documents: Readonly<Record<string, () => string>> = {
  'docs/openapi.json': () => asJson(openApiDocument()),
  'docs/asyncapi.json': () => asJson(asyncApiDocument()),
  'docs/events.md': eventsTable,
};

async function currentText(file: URL): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { check: { type: 'boolean' }, json: { type: 'boolean' }, help: { type: 'boolean' } },
  });
  if (values.help === true) {
    process.stdout.write(help);
    return;
  }
  const results: { file: string; stale: boolean }[] = [];
  for (const [file, build] of Object.entries(documents)) {
    const target = new URL(`../${file}`, import.meta.url);
    const text = build();
    const stale = (await currentText(target)) !== text;
    if (stale && values.check !== true) await writeFile(target, text);
    results.push({ file, stale });
  }
  const word = values.check === true ? 'stale: run npm run docs' : 'written';
  const lines = results.map(({ file, stale }) => `${file}  ${stale ? word : 'up to date'}\n`);
  process.stdout.write(values.json === true ? asJson({ documents: results }) : lines.join(''));
  if (values.check === true && results.some((result) => result.stale)) process.exitCode = 1;
}

await main();
