/** HTTP servers of the local stage: on 127.0.0.1 only, whatever the machine's network is. */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

export type LoopbackServer = {
  /** Such as `http://127.0.0.1:8080`. */
  url: string;
  address: AddressInfo;
  /** Requests before the first call are answered 503, so that the URL can be known before its handler is. */
  serve: (handler: RequestHandler) => void;
  stop: () => Promise<void>;
};

/** Listens on `port`, or on any free one when it is 0. Throws when the port is taken, naming it. */
export async function startLoopbackServer(port: number): Promise<LoopbackServer> {
  let handler: RequestHandler = async (_request, response) => {
    response.writeHead(503).end();
  };
  const server = createServer((request, response) => {
    handler(request, response).catch((error: unknown) => {
      // A handler answers its own errors; what arrives here is a client that went away or a defect.
      if (response.headersSent) response.destroy();
      else response.writeHead(500, { 'content-type': 'text/plain' }).end(String(error));
    });
  });
  // Clients that keep connections open must not meet one that is just being closed.
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      reject(taken ? new Error(`port ${port} is taken; choose another one, or 0 for any free one`) : error);
    });
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    address,
    serve(newHandler) {
      handler = newHandler;
    },
    async stop() {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      server.closeAllConnections();
      await closed;
    },
  };
}

/** The request's body, or undefined when it is longer than `limitBytes`; the rest is then thrown away. */
export function readBody(request: IncomingMessage, limitBytes: number): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    request.on('data', (chunk: Buffer) => {
      sizeBytes += chunk.length;
      // Reading goes on: a client that is still sending would not see an answer otherwise.
      if (sizeBytes > limitBytes) resolve(undefined);
      else chunks.push(chunk);
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('error', reject);
  });
}
