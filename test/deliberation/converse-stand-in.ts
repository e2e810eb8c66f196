/** A local HTTP server that speaks Bedrock's Converse as far as the judge needs it, and misbehaves as told. */

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** What is read of a request. */
export type ConverseRequest = {
  readonly modelId: string;
  readonly system: readonly { readonly text: string }[];
  readonly messages: readonly {
    readonly role: string;
    readonly content: readonly { readonly text: string }[];
  }[];
  readonly inferenceConfig: { readonly temperature: number; readonly maxTokens: number };
  readonly toolConfig: { readonly tools: readonly unknown[]; readonly toolChoice: unknown };
};

export type Behaviour = (response: ServerResponse, request: ConverseRequest) => void | Promise<void>;

export type ConverseStandIn = {
  readonly url: string;
  readonly requests: readonly ConverseRequest[];
  /** How it answers from now on: each behaviour once, the last one for ever. Forgets the requests so far. */
  behave(...behaviours: Behaviour[]): void;
  /** Before each answer. */
  whileAsked(look: () => Promise<void>): void;
  stop(): Promise<void>;
};

export async function startConverse(): Promise<ConverseStandIn> {
  let behaviours: Behaviour[] = [answers(grades(5, 5, 5))];
  let look = async (): Promise<void> => {};
  const requests: ConverseRequest[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer((request, response) => {
    void serve(request, response);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const modelId = /^\/model\/([^/]+)\/converse$/.exec(request.url ?? '')?.[1];
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (request.method !== 'POST' || modelId === undefined) {
      response.writeHead(404).end();
      return;
    }
    const body = JSON.parse(Buffer.concat(chunks).toString()) as Omit<ConverseRequest, 'modelId'>;
    const asked = { ...body, modelId: decodeURIComponent(modelId) };
    requests.push(asked);
    await look();
    const behaviour = behaviours.length > 1 ? behaviours.shift() : behaviours[0];
    await behaviour?.(response, asked);
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    behave(...next) {
      requests.length = 0;
      behaviours = next;
      look = async () => {};
    },
    whileAsked(next) {
      look = next;
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export const tokens = { inputTokens: 1200, outputTokens: 300, totalTokens: 1500 };

export type Grade = { readonly score: unknown; readonly quote: unknown; readonly reason: unknown };

export function grade(score: unknown, quote: unknown = ''): Grade {
  return { score, quote, reason: `It is worth ${score}.` };
}

export function grades(depth: unknown, coherence: unknown, relevance: unknown) {
  return { depth: grade(depth), coherence: grade(coherence), relevance: grade(relevance) };
}

/** A Converse answer whose message has this content. */
export function says(
  content: readonly unknown[],
  stopReason = 'tool_use',
  usage: unknown = tokens,
): Behaviour {
  return (response) =>
    json(response, 200, {
      output: { message: { role: 'assistant', content } },
      stopReason,
      usage,
      metrics: { latencyMs: 5 },
    });
}

/** One call of the judge's tool with this input. */
export function toolUse(input: unknown, name = 'report_grades') {
  return { toolUse: { toolUseId: 'tooluse_1', name, input } };
}

export const answers = (input: unknown): Behaviour => says([toolUse(input)]);

/** An error as AWS sends it. */
export function fails(status: number, type: string): Behaviour {
  return (response) => {
    response.setHeader('x-amzn-errortype', type);
    json(response, status, { message: `stand-in: ${type}` });
  };
}

export const says200 =
  (body: string): Behaviour =>
  (response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(body);
  };

/** Takes the request and never answers. */
export const isSilent: Behaviour = () => {};

/** Cuts the connection instead of answering. */
export const hangsUp: Behaviour = (response) => {
  response.destroy();
};

/** Does what the text between the marks says, as a model does that has been talked round. */
export const obeys: Behaviour = (response, request) => {
  const text = request.messages[0]?.content[0]?.text ?? '';
  const told = /\b(?:10|ten)\b/.test(text) ? 10 : 5;
  return answers(grades(told, told, told))(response, request);
};

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
