import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { mothershipApp } from '../../infra/mothership-app.ts';

const packageJson = z
  .object({
    dependencies: z.record(z.string(), z.string()),
    devDependencies: z.record(z.string(), z.string()),
  })
  .parse(JSON.parse(readFileSync('package.json', 'utf8')));

describe('packages', () => {
  test('aws-cdk is pinned, since its newest version was published by accident and reads no assembly', () => {
    expect(packageJson.devDependencies['aws-cdk']).toBe('2.1148.1');
  });

  test('the package called localstack is not LocalStack and is not installed', () => {
    expect({ ...packageJson.dependencies, ...packageJson.devDependencies }).not.toHaveProperty('localstack');
  });
});

describe('bundles', () => {
  test('every function is one module that loads; the migrator carries every SQL file, scoring every table', async () => {
    const outputFolder = mkdtempSync(path.join(tmpdir(), 'mothership-assembly-'));
    try {
      mothershipApp({ stage: 'dev', outputFolder, checkRules: false }).synth();
      const bundles = readdirSync(outputFolder)
        .map((name) => path.join(outputFolder, name))
        .filter((folder) => existsSync(path.join(folder, 'index.mjs')));
      expect(bundles).toHaveLength(10);
      const withSql = bundles.filter((folder) => existsSync(path.join(folder, 'migrations')));
      expect(withSql).toHaveLength(1);
      expect(sqlFiles(path.join(withSql[0] ?? '', 'migrations'))).toEqual(sqlFiles('migrations'));
      const withTables = bundles.filter((folder) => existsSync(path.join(folder, 'tables')));
      expect(withTables).toHaveLength(1);
      expect(filesIn(path.join(withTables[0] ?? '', 'tables'))).toEqual(
        filesIn('shared/deliberation/tables'),
      );
    } finally {
      rmSync(outputFolder, { recursive: true, force: true });
    }
  });
});

function sqlFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.sql'))
    .sort();
}

/** Names and sizes of files in bytes. */
function filesIn(folder: string): string[] {
  return readdirSync(folder)
    .sort()
    .map((name) => `${name} ${statSync(path.join(folder, name)).size}`);
}
