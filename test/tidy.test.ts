/** The rules of docs/architecture.md that a compiler cannot see: who may import whom, and names that must agree. */

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { eventNames } from '../shared/coordination/events.ts';

const root = path.join(import.meta.dirname, '..');
const features = ['access', 'admission', 'budget', 'coordination', 'deliberation'];

function filesOf(folder: string, extension: string): string[] {
  return readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(extension))
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
    .sort();
}

const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');

type Import = { readonly file: string; readonly from: string; readonly typeOnly: boolean };

/** `from` is a path below the root for relative imports, the package for others. */
function importsOf(file: string): Import[] {
  const statement = /^(?:import|export)\s+(type\s+)?[^;]*?from '([^']+)';|import\('([^']+)'\)/gms;
  return [...read(file).matchAll(statement)].map((found) => {
    const from = found[2] ?? found[3] ?? '';
    const target = from.startsWith('.') ? path.join(path.dirname(file), from) : from;
    return { file, from: target, typeOnly: found[1] !== undefined };
  });
}

const sources = ['infra', 'functions', 'shared', 'migrations', 'commands'].flatMap((folder) =>
  filesOf(folder, '.ts'),
);
const imports = sources.flatMap(importsOf);

/** Imports that break a rule, as `file -> from`, so that a failure names them. */
function breaches(applies: (file: string) => boolean, allowed: (one: Import) => boolean): string[] {
  return imports
    .filter((one) => applies(one.file) && !allowed(one))
    .map(({ file, from }) => `${file} -> ${from}`);
}

const isOwn = (from: string): boolean => /^(infra|functions|shared|migrations|commands|test)\//.test(from);

describe('who may import whom', () => {
  test('the CDK app knows of the code only routes, events, names of environment variables and the policy', () => {
    const known = [
      'shared/platform/routes.ts',
      'shared/platform/env.ts',
      'shared/coordination/events.ts',
      'shared/admission/policy.ts',
      'migrations/lambda-environment.ts',
    ];
    const inApp = (file: string) => /^infra\/[^/]+$/.test(file) && file !== 'infra/local-stage.ts';
    expect(
      breaches(inApp, ({ from }) => !isOwn(from) || from.startsWith('infra/') || known.includes(from)),
    ).toEqual([]);
  });

  test('the local AWS knows nothing of Mothership', () => {
    expect(
      breaches(
        (file) => file.startsWith('infra/local/'),
        ({ from }) => !isOwn(from) || from.startsWith('infra/local/'),
      ),
    ).toEqual([]);
  });

  test('a function imports shared code and its own folder', () => {
    expect(
      breaches(
        (file) => file.startsWith('functions/'),
        ({ file, from }) =>
          !isOwn(from) || from.startsWith('shared/') || path.dirname(from) === path.dirname(file),
      ),
    ).toEqual([]);
  });

  test('the platform knows no feature', () => {
    expect(
      breaches(
        (file) => file.startsWith('shared/platform/'),
        ({ from }) => !isOwn(from) || from.startsWith('shared/platform/'),
      ),
    ).toEqual([]);
  });

  test('shared code imports shared code only, and migrations nothing of it', () => {
    expect(
      breaches(
        (file) => file.startsWith('shared/'),
        ({ from }) => !isOwn(from) || from.startsWith('shared/'),
      ),
    ).toEqual([]);
    expect(
      breaches(
        (file) => file.startsWith('migrations/'),
        ({ from }) => !isOwn(from) || from.startsWith('migrations/'),
      ),
    ).toEqual([]);
  });

  test("no feature reaches into another's store; the sweep, whose work it is, may", () => {
    const withSql = sources.filter((file) => file.startsWith('shared/') && /\.query[<(]/.test(read(file)));
    const featureOf = (file: string) => file.split('/')[1];
    expect(
      breaches(
        (file) =>
          features.includes(featureOf(file) ?? '') &&
          file.startsWith('shared/') &&
          file !== 'shared/coordination/sweep.ts',
        ({ file, from, typeOnly }) =>
          typeOnly ||
          !withSql.includes(from) ||
          featureOf(from) === featureOf(file) ||
          from.startsWith('shared/platform/'),
      ),
    ).toEqual([]);
  });

  test('decisions are pure: they know neither store nor environment nor clock', () => {
    const pure = [
      ...[
        'schedule',
        'books',
        'turn',
        'victims',
        'line',
        'preemption',
        'quota',
        'room',
        'reduce',
        'priority',
        'estimate',
        'answers',
        'policy',
        'tenant-policy',
        'rows',
      ].map((name) => `shared/admission/${name}.ts`),
      ...['criteria', 'line-walk', 'victim-walk', 'admission-account', 'explain-words'].map(
        (name) => `shared/admission/${name}.ts`,
      ),
      ...[
        ...['status', 'directive', 'cost-message', 'cost-batch', 'cost-dead-letter'],
        ...['operator-prices', 'otel-usage', 'repricing-targets'],
      ].map((name) => `shared/budget/${name}.ts`),
      ...filesOf('shared/deliberation', '.ts').filter(
        // The store, constant tables that are part of the code, and the judge behind its network.
        (file) => !['score-run.ts', 'tables.ts', 'bedrock-judge.ts'].includes(path.basename(file)),
      ),
    ];
    const effects =
      /^(shared\/platform\/(db|process-env|database-secret|log|http)\.ts|pg|pino|node:(fs|net|http)|@aws-sdk\/.*)$/;
    expect(
      breaches(
        (file) => pure.includes(file),
        ({ from }) => !effects.test(from),
      ),
    ).toEqual([]);
    expect(
      pure.filter((file) => /Date\.now\(\)|new Date\(\)|Math\.random\(\)|process\.env/.test(read(file))),
    ).toEqual([]);
  });

  test.each([
    ['pg', ['shared/platform/db.ts']],
    ['@middy/core', ['shared/platform/http.ts', 'shared/platform/http-response.ts']],
    ['pino', ['shared/platform/log.ts']],
    ['@aws-sdk/client-eventbridge', ['shared/coordination/queues.ts']],
    ['@aws-sdk/client-sqs', ['shared/coordination/queues.ts', 'shared/coordination/dead-letters.ts']],
    ['@aws-sdk/client-secrets-manager', ['shared/platform/database-secret.ts']],
    ['@aws-sdk/client-bedrock-runtime', ['shared/deliberation/bedrock-judge.ts']],
  ])('only its own file knows %s', (name, owners) => {
    expect(
      breaches(
        (file) => /^(shared|functions)\//.test(file) && !owners.includes(file),
        ({ from, typeOnly }) => typeOnly || from !== name,
      ),
    ).toEqual([]);
  });

  test('decisions go by the policy in force, not by the one without overrides', () => {
    const readers = sources.filter((file) =>
      /import \{[^}]*\bpolicy\b[^}]*\} from '[^']*\/policy\.ts'/.test(read(file)),
    );
    expect(readers).toEqual([]);
  });

  test('the environment is read in one place', () => {
    const readers = sources.filter(
      (file) => /^(shared|functions)\//.test(file) && read(file).includes('process.env'),
    );
    expect(readers).toEqual(['shared/platform/log.ts', 'shared/platform/process-env.ts']);
  });
});

describe('names that must agree', () => {
  test('the events that SQL emits are the events that are declared', () => {
    const emitted = new Set(
      filesOf('migrations/functions', '.sql').flatMap((file) =>
        [...read(file).matchAll(/emit_event\(\s*[^;]*?'([a-z]+(?:-[a-z]+)+)'/g)].map((found) => found[1]),
      ),
    );
    // The end of a run is emitted as 'run-' || status.
    for (const status of ['completed', 'failed', 'cancelled']) emitted.add(`run-${status}`);
    expect([...emitted].sort()).toEqual([...eventNames].sort());
  });

  test('a SQL file holds the function that it is named after, and only that', () => {
    for (const file of filesOf('migrations/functions', '.sql')) {
      const created = [...read(file).matchAll(/create function (\w+)/g)].map((found) => found[1]);
      expect({ file, created }).toEqual({ file, created: [path.basename(file, '.sql')] });
    }
  });

  test('the four features and access name folders everywhere', () => {
    for (const folder of ['functions', 'shared', 'test']) {
      const folders = readdirSync(path.join(root, folder));
      expect(folders).toEqual(expect.arrayContaining(features));
    }
  });

  test('zod is imported as a namespace, which bundles to a fifth of the size', () => {
    expect(sources.filter((file) => /import \{[^}]*\} from 'zod'/.test(read(file)))).toEqual([]);
  });

  test('there are no barrel files', () => {
    expect(sources.filter((file) => path.basename(file) === 'index.ts')).toEqual([]);
  });
});
