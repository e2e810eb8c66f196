/** docs/failures.md: a section for each family of failures, in the order of the files. */

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Failure } from './failure-table.ts';

const root = path.join(import.meta.dirname, '..', '..', '..');
const page = path.join(root, 'docs', 'failures.md');

/** `UPDATE_FAILURES=1` writes the page anew; the test files then have to run one after another. */
export const updates = process.env.UPDATE_FAILURES === '1';

export const preamble = `# Failures of others, tested here

What users of budget gateways, agent control planes and queues were angry about where money is concerned, from their public
issue threads, and the test that shows that it does not happen here. Each test plays the failure over the HTTP contract on a
real Postgres: in parallel where it is a race, with the store's backend killed where it is a crash, with a runner that never
comes back where it is a leak, at the levels of run, tenant and organisation where a budget of each can have it; what needs bus
and queues, on the whole local stage. A row that names a rule in place of an issue is a failure of the same kind that the rule
forbids.

The tests write this page. \`npm test -- budget/failures hard-stop\` fails when it is out of date;
\`UPDATE_FAILURES=1 npm test -- budget/failures hard-stop -t 'page of failures' --runInBand\` writes it anew.
`;

const repositories: Readonly<Record<string, string>> = {
  cycles: 'runcycles/cycles-protocol',
  fullsend: 'fullsend-ai/fullsend',
  hatchet: 'hatchet-dev/hatchet',
  iterion: 'SocialGouv/iterion',
  LifeOS: 'nbramia/LifeOS',
  limitador: 'Kuadrant/limitador',
  litellm: 'BerriAI/litellm',
  opencompany: 'tinyhumansai/opencompany',
  paperclip: 'paperclipai/paperclip',
  prefect: 'PrefectHQ/prefect',
  'trigger.dev': 'triggerdotdev/trigger.dev',
};

/** `litellm #34732` as a link; a name without a number, such as that of a protocol, stands for its repository; `B4` as it is. */
function linkTo(seenAt: string): string {
  if (/^[A-Z]\d+$/.test(seenAt)) return seenAt;
  const [, project = '', number] = /^(\S+)(?: #(\d+))?$/.exec(seenAt) ?? [];
  const repository = repositories[project];
  if (repository === undefined) throw new Error(`"${seenAt}" names no repository of failures-page.ts`);
  return `[${seenAt}](https://github.com/${repository}${number === undefined ? '' : `/issues/${number}`})`;
}

/** @param file absolute path of the test file */
export function sectionOf(family: string, file: string, failures: readonly Failure[]): string {
  const rows = failures.map(
    ({ seenAt, happened, here }) => `| ${seenAt.map(linkTo).join(', ')} | ${happened} | ${here} |`,
  );
  return `## ${family}

\`${path.relative(root, file)}\`

| seen at | what happened there | the test here |
|---|---|---|
${rows.join('\n')}
`;
}

/** The test files' families by their names, in the order of the page. */
export function familiesOfFiles(): string[] {
  const here = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.test.ts'));
  const files = here.sort().map((name) => path.join(import.meta.dirname, name));
  return [...files, path.join(root, 'test', 'end-to-end', 'hard-stop.test.ts')].flatMap((file) => {
    const declared = /failureTable\(import\.meta\.filename, '([^']+)'/g;
    return [...readFileSync(file, 'utf8').matchAll(declared)].map(([, found = '']) => found);
  });
}

export function readPage(): string {
  return existsSync(page) ? readFileSync(page, 'utf8') : '';
}

function sections(): Map<string, string> {
  const parts = readPage().split(/^(?=## )/m);
  return new Map(
    parts.slice(1).map((text) => [/^## (.*)$/m.exec(text)?.[1] ?? '', `${text.trimEnd()}\n`] as const),
  );
}

/** The page's section of that heading; empty when there is none. */
export function sectionIn(family: string): string {
  return sections().get(family) ?? '';
}

/** Puts the section in its place and drops those of files that are gone. */
export function writeSection(family: string, section: string): void {
  const known = sections().set(family, section);
  const kept = familiesOfFiles().flatMap((name) => known.get(name) ?? []);
  writeFileSync(page, [preamble, ...kept].join('\n'));
}
