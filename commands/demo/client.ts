/** Mothership over HTTP, as a runner or an operator would call it. */

import type * as z from 'zod';

export type Answer = { readonly status: number; readonly body: unknown };

export type Client = {
  /** Sends one request, JSON both ways, and answers whatever status comes. */
  readonly send: (method: string, path: string, body?: unknown) => Promise<Answer>;
  /** The same for a call that must succeed; the answer is read by the schema. Throws with the problem's text. */
  readonly ask: <S extends z.ZodType>(
    schema: S,
    method: string,
    path: string,
    body?: unknown,
  ) => Promise<z.output<S>>;
};

/** @param baseUrl without a trailing slash */
export function createClient(baseUrl: string, key: string): Client {
  async function send(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await fetch(baseUrl + path, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? null : JSON.parse(text) };
  }
  return {
    send,
    async ask(schema, method, path, body) {
      const answer = await send(method, path, body);
      if (answer.status >= 300) {
        throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
      }
      return schema.parse(answer.body);
    },
  };
}
