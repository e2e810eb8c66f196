import { readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { asyncApiDocument, eventsTable } from '../../shared/coordination/asyncapi.ts';
import { doorbell, envelope, eventNames, events } from '../../shared/coordination/events.ts';
import { openApiDocument } from '../../shared/coordination/openapi.ts';
import { routes } from '../../shared/platform/routes.ts';

type Json = Record<string, unknown>;

const docs = (name: string) => readFile(new URL(`../../docs/${name}`, import.meta.url), 'utf8');

describe('the documents in docs/ say what the code does; else run npm run docs', () => {
  test.each([
    ['openapi.json', openApiDocument],
    ['asyncapi.json', asyncApiDocument],
  ])('%s', async (name, build) => {
    expect(JSON.parse(await docs(name))).toEqual(build());
  });

  test('events.md', async () => {
    expect(await docs('events.md')).toBe(eventsTable());
  });
});

function referencesOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) =>
    key === '$ref' ? [String(member)] : referencesOf(member),
  );
}

function resolves(document: Json, reference: string): boolean {
  const steps = reference.replace(/^#\//, '').split('/');
  const target = steps.reduce<unknown>((value, step) => (value as Json | undefined)?.[step], document);
  return target !== undefined;
}

test.each([
  ['OpenAPI', openApiDocument()],
  ['AsyncAPI', asyncApiDocument()],
])('every reference of the %s document leads somewhere', (_name, document) => {
  const references = referencesOf(document);
  expect(references.length).toBeGreaterThan(0);
  expect(references.filter((reference) => !resolves(document, reference))).toEqual([]);
});

/** The page for people is no part of the API. */
const documented = routes.filter((route) => route.path !== '/console');

test('the OpenAPI document has every route, and only public ones without a key', () => {
  const paths = openApiDocument().paths as Record<string, Record<string, { security?: unknown[] }>>;
  for (const route of documented) {
    const operation = paths[route.path]?.[route.method.toLowerCase()];
    expect(operation).toBeDefined();
    expect(operation?.security).toEqual(route.scope === 'public' ? [] : undefined);
  }
});

test('every operation has its own id', () => {
  const paths = openApiDocument().paths as Record<string, Record<string, { operationId: string }>>;
  const ids = Object.values(paths).flatMap((path) =>
    Object.values(path).map((operation) => operation.operationId),
  );
  expect(new Set(ids).size).toBe(documented.length);
});

test('the catalogue has the events of the contract', () => {
  expect(eventNames.toSorted()).toEqual(
    [
      'budget-alert',
      'preempt-for-budget',
      'run-paused-for-budget',
      'quota-exceeded',
      'quota-violation',
      'tenant-throttled',
      'task-preempted',
      'task-resumed',
      'checkpoint-saved',
      'deliberation-scored',
      'run-admitted',
      'run-queued',
      'task-granted',
      'task-started',
      'preempt-requested',
      'lease-expired',
      'run-resumed',
      'run-completed',
      'run-failed',
      'run-cancelled',
    ].toSorted(),
  );
});

test('an event and a doorbell as the contract writes them', () => {
  const detail = {
    id: '0192f0c1-7d3e-7c4a-8f00-000000000001',
    version: '1.0',
    occurredAt: '2026-11-22T12:00:00.000Z',
    tenantId: 'tenant-a',
    runId: 'run-1',
    taskId: null,
    sequence: 3,
    causeId: null,
    data: {
      runId: 'run-1',
      level: 'warning',
      threshold: 50,
      percentUsed: 50.1,
      limitUSD: 10,
      spentUSD: 5.01,
    },
  };
  expect(envelope.parse(detail)).toEqual(detail);
  expect(events['budget-alert'].data.safeParse(detail.data).success).toBe(true);
  expect(envelope.safeParse({ ...detail, version: '2.0' }).success).toBe(false);
  const ring = { taskId: 't', runId: 'r', tenantId: 'a', class: 'P0', epoch: 1, kind: 'start' };
  expect(doorbell.safeParse(ring).success).toBe(true);
});
