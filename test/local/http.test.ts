import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type FixtureStage, startFixture } from './fixture.ts';

let stage: FixtureStage;

/** What the fixture's echo answers, as far as single fields of it are looked at. */
type EchoedEvent = {
  isBase64Encoded: boolean;
  pathParameters: Record<string, string>;
  requestContext: {
    authorizer?: { lambda: { tenantId: string; calls: number } };
    time: string;
    timeEpoch: number;
  };
};

beforeAll(async () => {
  stage = await startFixture();
});

afterAll(() => stage.stop());

async function get(path: string, headers: Record<string, string> = {}) {
  const response = await fetch(stage.baseUrl + path, { headers });
  return { status: response.status, body: (await response.json()) as EchoedEvent };
}

test('the stage listens on the loopback address only', () => {
  expect(stage.addresses.map(({ address }) => address)).toEqual(['127.0.0.1', '127.0.0.1']);
});

describe('authorizer', () => {
  const cases = [
    {
      name: 'no header: refused without asking the function',
      token: undefined,
      status: 401,
      message: 'Unauthorized',
    },
    { name: 'a key that the function refuses', token: 'Bearer bad', status: 403, message: 'Forbidden' },
    { name: 'a function that fails', token: 'Bearer broken', status: 500, message: 'Internal Server Error' },
  ];
  test.each(cases)('$name', async ({ token, status, message }) => {
    const answer = await get('/v1/things/1', token === undefined ? {} : { authorization: token });
    expect(answer).toEqual({ status, body: { message } });
  });

  test('its context reaches the integration, and its answer is cached for the same identity', async () => {
    const first = await get('/v1/things/1', { authorization: 'Bearer good-cached' });
    const second = await get('/v1/things/2', { authorization: 'Bearer good-cached' });
    const other = await get('/v1/things/2', { authorization: 'Bearer good-other' });
    const contextOf = (answer: typeof first) => answer.body.requestContext.authorizer?.lambda;
    expect(contextOf(first)?.tenantId).toBe('tenant-1');
    expect(contextOf(second)).toEqual(contextOf(first));
    expect(contextOf(other)?.calls).toBe((contextOf(first)?.calls ?? 0) + 1);
  });
});

test('an integration receives payload format 2.0', async () => {
  const response = await fetch(`${stage.baseUrl}/echo/a%20b/c?tag=x&tag=y%26z&empty=`, {
    method: 'PUT',
    headers: {
      'Content-Type': 'application/json',
      'X-Mixed-Case': 'Kept',
      Cookie: 'one=1; two=2',
      'User-Agent': 'test',
    },
    body: '{"a":1}',
  });
  const event = (await response.json()) as EchoedEvent;
  expect(response.headers.get('content-type')).toBe('application/json');
  expect(event).toMatchObject({
    version: '2.0',
    routeKey: 'ANY /echo/{proxy+}',
    rawPath: '/echo/a%20b/c',
    rawQueryString: 'tag=x&tag=y%26z&empty=',
    cookies: ['one=1', 'two=2'],
    headers: { 'content-type': 'application/json', 'x-mixed-case': 'Kept' },
    queryStringParameters: { tag: 'x,y&z', empty: '' },
    pathParameters: { proxy: 'a b/c' },
    body: '{"a":1}',
    isBase64Encoded: false,
    requestContext: {
      accountId: '000000000000',
      domainName: '127.0.0.1',
      http: {
        method: 'PUT',
        path: '/echo/a%20b/c',
        protocol: 'HTTP/1.1',
        sourceIp: '127.0.0.1',
        userAgent: 'test',
      },
      routeKey: 'ANY /echo/{proxy+}',
      stage: '$default',
    },
  });
  expect(event.requestContext.time).toMatch(/^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/);
  expect(Math.abs(event.requestContext.timeEpoch - Date.now())).toBeLessThan(60_000);
  expect(event.requestContext.authorizer).toBeUndefined();
});

test('a body that is not text arrives as base64, and no body leaves the field out', async () => {
  const binary = await fetch(`${stage.baseUrl}/echo/x`, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: new Uint8Array([0, 255]),
  });
  expect(await binary.json()).toMatchObject({ body: 'AP8=', isBase64Encoded: true });
  const bare = (await get('/echo/x')).body;
  expect(bare.isBase64Encoded).toBe(false);
  expect(bare).not.toHaveProperty('body');
});

describe('what a function answers becomes', () => {
  const cases = [
    { name: 'an object without status: the JSON of a 200', value: { a: 1 }, status: 200, text: '{"a":1}' },
    { name: 'a text: the body of a 200', value: 'hello', status: 200, text: 'hello' },
    { name: 'a response with headers', value: { statusCode: 201, body: 'x' }, status: 201, text: 'x' },
    {
      name: 'base64 decoded',
      value: { statusCode: 200, body: 'aGk=', isBase64Encoded: true },
      status: 200,
      text: 'hi',
    },
    {
      name: 'an error when the status is none',
      value: { statusCode: 'many' },
      status: 500,
      text: '{"message":"Internal Server Error"}',
    },
    {
      name: 'an error when the body is an object',
      value: { statusCode: 200, body: {} },
      status: 500,
      text: '{"message":"Internal Server Error"}',
    },
  ];
  test.each(cases)('$name', async ({ value, status, text }) => {
    const body = JSON.stringify({ kind: 'return', value });
    const response = await fetch(`${stage.baseUrl}/v1/behave`, { method: 'POST', body });
    expect({ status: response.status, text: await response.text() }).toEqual({ status, text });
  });

  test('headers and cookies of a response arrive', async () => {
    const value = { statusCode: 200, headers: { 'X-Count': 3, 'Retry-After': '5' }, cookies: ['a=1', 'b=2'] };
    const body = JSON.stringify({ kind: 'return', value });
    const { headers } = await fetch(`${stage.baseUrl}/v1/behave`, { method: 'POST', body });
    expect(headers.get('x-count')).toBe('3');
    expect(headers.get('retry-after')).toBe('5');
    expect(headers.getSetCookie()).toEqual(['a=1', 'b=2']);
  });
});

describe('failures', () => {
  const cases = [
    { name: 'no such route', route: '/nowhere', body: {}, status: 404, message: 'Not Found' },
    { name: 'a route of another method', route: '/v1/things/1', body: {}, status: 404, message: 'Not Found' },
    {
      name: 'malformed encoding of the path',
      route: '/echo/%zz',
      body: {},
      status: 400,
      message: 'Bad Request',
    },
    {
      name: 'a function that throws',
      route: '/v1/behave',
      body: { kind: 'throw' },
      status: 500,
      message: 'Internal Server Error',
    },
    {
      name: 'a function that outlasts the integration',
      route: '/v1/impatient',
      body: { kind: 'sleep', milliseconds: 400 },
      status: 503,
      message: 'Service Unavailable',
    },
    {
      name: 'a body over 10 MB',
      route: '/v1/behave',
      body: 'x'.repeat(10 * 1024 * 1024),
      status: 413,
      message: 'Request Entity Too Large',
    },
    {
      name: 'an event over the 6 MB of an invocation',
      route: '/v1/behave',
      body: 'x'.repeat(6 * 1024 * 1024),
      status: 413,
      message: 'Request Entity Too Large',
    },
  ];
  test.each(cases)('$name', async ({ route, body, status, message }) => {
    expect(await stage.post(route, body)).toEqual({ status, body: { message } });
  });
});

test('cross-origin requests get the headers of the API', async () => {
  const headers = { origin: 'https://console.example', 'access-control-request-method': 'GET' };
  const preflight = await fetch(`${stage.baseUrl}/v1/things/1`, { method: 'OPTIONS', headers });
  expect(preflight.status).toBe(204);
  expect(Object.fromEntries(preflight.headers)).toMatchObject({
    'access-control-allow-origin': 'https://console.example',
    'access-control-allow-methods': 'GET,POST',
    'access-control-allow-headers': 'authorization',
    'access-control-max-age': '600',
  });
  const actual = await fetch(`${stage.baseUrl}/echo/x`, { headers: { origin: 'https://console.example' } });
  expect(actual.headers.get('access-control-allow-origin')).toBe('https://console.example');
  const stranger = await fetch(`${stage.baseUrl}/echo/x`, {
    headers: { origin: 'https://elsewhere.example' },
  });
  expect(stranger.headers.get('access-control-allow-origin')).toBeNull();
});

test('200 requests at once wait for the few environments of their function', async () => {
  const answers = await Promise.all(Array.from({ length: 200 }, (_, index) => get(`/echo/${index}`)));
  expect(answers.map(({ body }) => body.pathParameters.proxy)).toEqual(
    Array.from({ length: 200 }, (_, index) => String(index)),
  );
});
