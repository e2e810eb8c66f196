/**
 * The thread that one execution environment of a function runs in: loads the handler once, then answers one event
 * at a time. Started by `lambda-function.ts`; the function's environment variables are this thread's `process.env`.
 */

import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';

/** Where the handler is and what it may know about its function. */
export type WorkerSetup = {
  codeFolder: string;
  /** Such as `index.handler`: a file without its extension, a dot, the name that it exports. */
  handler: string;
  functionName: string;
  functionArn: string;
  memoryMb: number;
};

export type WorkerRequest = { requestId: string; eventJson: string; deadlineMs: number };

export type InvocationError = { errorType: string; errorMessage: string; trace: string[] };

/** `ready` follows the load of the handler; every request is answered by one `result` or `error`. */
export type WorkerMessage =
  | { kind: 'ready' }
  | { kind: 'result'; json: string }
  | { kind: 'error'; error: InvocationError };

type Handler = (event: unknown, context: Record<string, unknown>) => unknown;

// The parent sets it to the value of its own type.
const setup = workerData as WorkerSetup;

async function loadHandler(): Promise<Handler> {
  const [, file = '', exported = ''] = /^(.*)\.([^.]+)$/.exec(setup.handler) ?? [];
  const attempts = ['.mjs', '.js', '.cjs'].map((extension) => path.join(setup.codeFolder, file + extension));
  const { existsSync } = await import('node:fs');
  const found = attempts.find((attempt) => existsSync(attempt));
  if (found === undefined) throw new Error(`Cannot find module '${file}' in ${setup.codeFolder}`);
  const module: Record<string, unknown> = await import(pathToFileURL(found).href);
  const handler = module[exported];
  if (typeof handler !== 'function') throw new Error(`${setup.handler} is undefined or not exported`);
  if (handler.length > 2) throw new Error('handlers that take a callback are not supported by nodejs24.x');
  return handler as Handler;
}

function createContext({ requestId, deadlineMs }: WorkerRequest): Record<string, unknown> {
  return {
    awsRequestId: requestId,
    callbackWaitsForEmptyEventLoop: true,
    functionName: setup.functionName,
    functionVersion: '$LATEST',
    invokedFunctionArn: setup.functionArn,
    logGroupName: `/aws/lambda/${setup.functionName}`,
    logStreamName: 'local',
    memoryLimitInMB: String(setup.memoryMb),
    getRemainingTimeInMillis: () => Math.max(0, deadlineMs - Date.now()),
  };
}

function describe(error: unknown): InvocationError {
  if (error instanceof Error) {
    return { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') };
  }
  return { errorType: typeof error, errorMessage: String(error), trace: [] };
}

function reply(message: WorkerMessage): void {
  parentPort?.postMessage(message);
}

try {
  const handler = await loadHandler();
  parentPort?.on('message', async (request: WorkerRequest) => {
    try {
      const result = await handler(JSON.parse(request.eventJson), createContext(request));
      reply({ kind: 'result', json: JSON.stringify(result) ?? 'null' });
    } catch (error) {
      console.error(error);
      reply({ kind: 'error', error: describe(error) });
    }
  });
  reply({ kind: 'ready' });
} catch (error) {
  console.error(error);
  reply({ kind: 'error', error: describe(error) });
}
