/** R1: bad input gets 400 naming each wrong field, too large 413, and nothing is written. */

import { beforeAll, describe, expect, test } from '@jest/globals';
import { type RouteKey, routes } from '../../shared/platform/routes.ts';
import { type Answer, testApi } from '../setup/api.ts';
import { withDatabase } from '../setup/database.ts';
import { hugeNumber, type RequestSample, requests } from './requests.ts';
import { digestOf, furnish, type Ids, pathOf } from './world.ts';

const database = withDatabase();
const api = testApi(() => database.app);
let ids: Ids;

beforeAll(async () => {
  ids = await furnish(api, 'tenant');
});

/** A wrong request and the field that the answer must name; no field: too large. */
type BadCase = {
  readonly name: string;
  readonly path: string;
  readonly body?: string;
  readonly field?: string;
};

test('every route has its wrong requests', () => {
  expect(Object.keys(requests).toSorted()).toEqual(
    routes.map((route) => `${route.method} ${route.path}`).toSorted(),
  );
});

describe.each(routes.map((route) => [`${route.method} ${route.path}`, route] as const))(
  '%s',
  (key, route) => {
    test('names what is wrong, and writes nothing', async () => {
      const sample = requests[key as RouteKey];
      const cases = [
        ...pathCases(route.path),
        ...queryCases(route.path, sample),
        ...bodyCases(route.path, sample),
      ];
      const before = await digestOf(database);
      const as = route.scope === 'operator' ? 'operator' : { tenantId: 'tenant' };
      const wrong: unknown[] = [];
      for (const { name, path, body, field } of cases) {
        const answer = await api.call(as, route.method, path, body);
        if (!isAsExpected(answer, field))
          wrong.push({ name, field, status: answer.status, errors: answer.body.errors });
      }
      expect(wrong).toEqual([]);
      expect(await digestOf(database)).toBe(before);
    });
  },
);

function isAsExpected({ status, body, headers }: Answer, field: string | undefined): boolean {
  if (headers['content-type'] !== 'application/problem+json') return false;
  if (field === undefined) return status === 413 && body.code === 'too_large';
  const errors = body.errors as { path: string; message: string }[] | undefined;
  return (
    status === 400 &&
    body.code === 'bad_request' &&
    (errors?.some((error) => error.path === field && error.message !== '') ?? false)
  );
}

function pathCases(template: string): BadCase[] {
  const names = [...template.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '');
  return names.flatMap((name) =>
    ['a b', 'x'.repeat(129), 'a/b', "'; drop table runs; --", 'ä'].map((value) => ({
      name: `${name} ${value}`,
      path: pathOf(template, { ...ids, [name]: value }),
      field: name,
    })),
  );
}

function queryCases(template: string, { wrongQuery, body }: RequestSample): BadCase[] {
  const path = pathOf(template, ids);
  const withQuery = (name: string, value: string): BadCase => ({
    name: `?${name}=${value}`,
    path: `${path}?${new URLSearchParams({ [name]: value })}`,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    field: name,
  });
  return [
    withQuery('colour', 'red'),
    ...Object.entries(wrongQuery).flatMap(([name, values]) => values.map((value) => withQuery(name, value))),
  ];
}

function bodyCases(template: string, sample: RequestSample): BadCase[] {
  if (sample.tooMany_bytes === undefined) return [];
  const path = pathOf(template, ids);
  const valid = sample.body ?? {};
  const raw = (name: string, body: string, field?: string): BadCase => ({
    name,
    path,
    body,
    ...(field === undefined ? {} : { field }),
  });
  const large = JSON.stringify({ ...valid, filling: 'x'.repeat(sample.tooMany_bytes) });
  return [
    raw('broken JSON', '{"a":', '$'),
    raw('NaN', '{"a":NaN}', '$'),
    raw('an array', '[]', '$'),
    raw('a string', '"text"', '$'),
    raw('null', 'null', '$'),
    raw('an unknown field', JSON.stringify({ ...valid, surprise: 1 }), 'surprise'),
    raw('too large', large),
    ...(sample.required ?? []).map((field) => raw(`no ${field}`, withField(valid, field, undefined), field)),
    ...Object.entries(sample.wrong ?? {}).flatMap(([key, values]) => {
      const [field = '', named = field] = key.split(' -> ');
      return values.map((value) =>
        raw(`${field} = ${JSON.stringify(value)?.slice(0, 40)}`, withField(valid, field, value), named),
      );
    }),
  ];
}

/** The body's JSON with one field set, or left out. */
function withField(body: object, field: string, value: unknown): string {
  const copy: unknown = structuredClone(body);
  const steps = field.split(/[.[\]]+/).filter((step) => step !== '');
  const last = steps.pop() ?? '';
  let holder = copy as Record<string, unknown>;
  for (const step of steps) {
    holder[step] ??= {};
    holder = holder[step] as Record<string, unknown>;
  }
  if (value === undefined) delete holder[last];
  else holder[last] = value;
  return JSON.stringify(copy).replaceAll(`"${hugeNumber}"`, '1e999');
}
