import { describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { parseDatabaseSecret } from '../../shared/platform/database-secret.ts';
import { canonicalJson, hashOf } from '../../shared/platform/hash.ts';
import { idPattern, newId } from '../../shared/platform/ids.ts';
import { errorFields } from '../../shared/platform/log.ts';
import { decodeCursor, encodeCursor, pageQuery, toPage } from '../../shared/platform/page.ts';
import {
  databaseSecretArn,
  logLevel,
  taskQueueUrls,
  virtualTimeAllowed,
} from '../../shared/platform/process-env.ts';
import { meansUnavailable } from '../../shared/platform/store-unavailable.ts';

describe('hash', () => {
  test('the order of members does not matter, the order of items does', () => {
    expect(hashOf({ a: 1, b: { c: [1, 2], d: null } })).toBe(hashOf({ b: { d: null, c: [1, 2] }, a: 1 }));
    expect(hashOf([1, 2])).not.toBe(hashOf([2, 1]));
  });

  test.each([
    ['absent members are left out', { a: undefined, b: 1 }, '{"b":1}'],
    ['a time is its ISO text', { at: new Date(0) }, '{"at":"1970-01-01T00:00:00.000Z"}'],
    ['names are quoted as JSON', { 'a"b': 'é' }, '{"a\\"b":"é"}'],
    ['null', null, 'null'],
  ])('%s', (_name, value, text) => {
    expect(canonicalJson(value)).toBe(text);
  });

  test('money that was not converted is refused', () => {
    expect(() => canonicalJson({ nanos: 1n })).toThrow(TypeError);
  });
});

describe('pages', () => {
  const position = z.tuple([z.string(), z.number()]);

  test('a cursor comes back as it went out', () => {
    expect(decodeCursor(encodeCursor(['täsk/1', 7]), position)).toEqual(['täsk/1', 7]);
  });

  test.each([['not base64 !'], ['e30'], [encodeCursor({ other: 'list' })], ['AAAA']])(
    'cursor %s is refused with 400 naming cursor',
    (cursor) => {
      expect(() => decodeCursor(cursor, position)).toThrow(
        expect.objectContaining({ status: 400, errors: [expect.objectContaining({ path: 'cursor' })] }),
      );
    },
  );

  test.each([
    ['1', 1],
    ['100', 100],
    [undefined, 50],
  ])('limit %s reads as %s', (limit, expected) => {
    expect(pageQuery.parse(limit === undefined ? {} : { limit }).limit).toBe(expected);
  });

  test.each(['0', '101', '-1', '1.5', 'ten', '', '1,2', '0x10', '999'])('limit "%s" is refused', (limit) => {
    expect(pageQuery.safeParse({ limit }).success).toBe(false);
  });

  test('the row beyond the page only tells that there is more', () => {
    const page = (rows: number[]) => toPage(rows, 2, String, (row) => row);
    expect(page([1, 2, 3])).toEqual({ items: ['1', '2'], nextCursor: encodeCursor(2) });
    expect(page([1, 2])).toEqual({ items: ['1', '2'], nextCursor: null });
    expect(page([])).toEqual({ items: [], nextCursor: null });
  });
});

describe('environment', () => {
  test('a missing variable is named', () => {
    expect(() => databaseSecretArn({})).toThrow(/DATABASE_SECRET_ARN/);
    expect(() => taskQueueUrls({ TASK_QUEUE_URL_P0: 'a', TASK_QUEUE_URL_P1: 'b' })).toThrow(
      /TASK_QUEUE_URL_P2/,
    );
    expect(() => logLevel({ LOG_LEVEL: 'loud' })).toThrow(/LOG_LEVEL is "loud"/);
  });

  test('virtual time needs the exact word', () => {
    expect(virtualTimeAllowed({ VIRTUAL_TIME: 'allowed' })).toBe(true);
    expect(virtualTimeAllowed({ VIRTUAL_TIME: 'true' })).toBe(false);
    expect(virtualTimeAllowed({})).toBe(false);
  });
});

describe('database secret', () => {
  const secret = { host: 'db.example.com', port: '5432', dbname: 'm', username: 'u', password: 'p' };

  test('TLS is verified for a host that is not this machine', () => {
    const ssl = parseDatabaseSecret(JSON.stringify(secret)).ssl;
    expect(ssl).toMatchObject({ rejectUnauthorized: true, ca: expect.anything() });
  });

  test.each(['127.0.0.1', 'localhost', '::1'])('no TLS to %s', (host) => {
    expect(parseDatabaseSecret(JSON.stringify({ ...secret, host })).ssl).toBeUndefined();
  });

  test('what is wrong is named, and no value is told', () => {
    const broken = JSON.stringify({ ...secret, port: 'hunter2', username: undefined });
    expect(() => parseDatabaseSecret(broken)).toThrow(/port, username/);
    expect(() => parseDatabaseSecret(broken)).not.toThrow(/hunter2/);
    expect(() => parseDatabaseSecret('')).toThrow(/the JSON itself/);
  });
});

describe('which errors mean that the store is away', () => {
  const coded = (code: string) => Object.assign(new Error('x'), { code });
  test.each([
    ['connection refused', coded('ECONNREFUSED'), true],
    ['no such host', coded('ENOTFOUND'), true],
    ['admin shutdown', coded('57P01'), true],
    ['too many connections', coded('53300'), true],
    ['connection exception', coded('08006'), true],
    ['statement time-out', coded('57014'), true],
    ['lock time-out', coded('55P03'), true],
    ['pool time-out', new Error('timeout exceeded when trying to connect'), true],
    ['every address refused', new AggregateError([coded('ECONNREFUSED'), coded('ECONNREFUSED')]), true],
    ['unique violation', coded('23505'), false],
    ['syntax error', coded('42601'), false],
    ['an error of ours', new Error('no'), false],
    ['not an error at all', 'timeout expired', false],
  ])('%s: %s', (_name, error, expected) => {
    expect(meansUnavailable(error)).toBe(expected);
  });
});

test('a logged error tells its chain of causes and nothing else that hangs on it', () => {
  const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED', client: { password: 'p' } });
  const fields = errorFields(new Error('away', { cause }));
  expect(fields).toMatchObject({ message: 'away', cause: { message: 'refused', code: 'ECONNREFUSED' } });
  expect(JSON.stringify(fields)).not.toContain('password');
});

test('ids are accepted by the syntax of ids and sort by time of making', () => {
  const ids = [newId('run'), newId('run'), newId('run')];
  expect(ids.every((id) => idPattern.test(id))).toBe(true);
  expect(ids.toSorted()).toEqual(ids);
});
