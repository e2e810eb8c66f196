/**
 * Runs one Lambda function: a pool of worker threads, each an execution environment that serves one event at a
 * time. Events beyond the function's concurrency wait for a free one.
 */

import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { Worker } from 'node:worker_threads';
import type { InvocationError, WorkerMessage, WorkerRequest, WorkerSetup } from './lambda-worker.ts';

/** Largest event and largest result of a synchronous invocation. */
export const payloadLimitBytes = 6 * 1024 * 1024;

/** Loading the handler has its own time on AWS too; here it covers a busy machine. */
const loadTimeoutMs = 20_000;

export type FunctionSpec = WorkerSetup & {
  /** Name of the function in the template, and its access key towards the AWS endpoint. */
  logicalId: string;
  roleName: string;
  timeoutSeconds: number;
  concurrency: number;
  environment: Readonly<Record<string, string>>;
};

export type Invocation =
  | { ok: true; requestId: string; payload: unknown }
  | { ok: false; requestId: string; error: InvocationError };

export type LambdaFunction = {
  spec: FunctionSpec;
  /** Runs the handler on a copy of `event`. Never rejects: whatever goes wrong is an invocation error. */
  invoke: (event: unknown) => Promise<Invocation>;
  /** Ends every thread as a failing host would: invocations under way fail, the next one starts anew. For tests. */
  crash: () => Promise<void>;
  /** Ends every thread; invocations under way or waiting fail. */
  stop: () => Promise<void>;
};

type Environment = { worker: Worker; ready: Promise<InvocationError | undefined> };

/** `log` gets every line that the handler's threads print. */
export function createLambdaFunction(spec: FunctionSpec, log: (line: string) => void): LambdaFunction {
  const idle: Environment[] = [];
  const live = new Set<Environment>();
  const waiting: ((environment: Environment | undefined) => void)[] = [];
  let stopped = false;

  function start(): Environment {
    const worker = new Worker(new URL('./lambda-worker.ts', import.meta.url), {
      workerData: workerSetup(spec),
      env: spec.environment,
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: spec.memoryMb },
    });
    // Errors between events end the thread, which `exit` tells; without a listener they would end the process.
    worker.on('error', () => {});
    for (const stream of [worker.stdout, worker.stderr]) createInterface({ input: stream }).on('line', log);
    const environment: Environment = {
      worker,
      ready: withDeadline(nextAnswer(worker), loadTimeoutMs).then((answer) => {
        if (answer === 'late')
          return fault('Sandbox.Timedout', `the handler did not load in ${loadTimeoutMs} ms`);
        return 'error' in answer ? answer.error : undefined;
      }),
    };
    live.add(environment);
    // A thread may end between events, by a stray rejection for example; the next event must not meet it.
    worker.once('exit', () => retire(environment));
    return environment;
  }

  function retire(environment: Environment): void {
    if (!live.delete(environment)) return;
    const index = idle.indexOf(environment);
    if (index >= 0) idle.splice(index, 1);
    void environment.worker.terminate();
    if (!stopped && live.size < spec.concurrency) waiting.shift()?.(start());
  }

  function acquire(): Promise<Environment | undefined> {
    if (stopped) return Promise.resolve(undefined);
    const free = idle.pop();
    if (free !== undefined) return Promise.resolve(free);
    if (live.size < spec.concurrency) return Promise.resolve(start());
    return new Promise((resolve) => waiting.push(resolve));
  }

  function release(environment: Environment): void {
    if (!live.has(environment)) return;
    const next = waiting.shift();
    if (next) next(environment);
    else idle.push(environment);
  }

  async function run(environment: Environment, requestId: string, eventJson: string): Promise<Invocation> {
    const loadError = await environment.ready;
    if (loadError !== undefined) {
      retire(environment);
      return { ok: false, requestId, error: loadError };
    }
    const timeoutMs = spec.timeoutSeconds * 1000;
    const request: WorkerRequest = { requestId, eventJson, deadlineMs: Date.now() + timeoutMs };
    const pending = nextAnswer(environment.worker);
    environment.worker.postMessage(request);
    const answer = await withDeadline(pending, timeoutMs);
    if (answer === 'late') {
      retire(environment);
      const message = `RequestId: ${requestId} Error: Task timed out after ${spec.timeoutSeconds.toFixed(2)} seconds`;
      log(message);
      return { ok: false, requestId, error: fault('Sandbox.Timedout', message) };
    }
    if (answer.kind === 'ended') retire(environment);
    else release(environment);
    if (answer.kind === 'ready') throw new Error(`${spec.logicalId}: a worker got ready twice`);
    if (answer.kind !== 'result') return { ok: false, requestId, error: answer.error };
    if (Buffer.byteLength(answer.json) > payloadLimitBytes) {
      const error = fault(
        'Function.ResponseSizeTooLarge',
        `the response is larger than ${payloadLimitBytes} bytes`,
      );
      return { ok: false, requestId, error };
    }
    return { ok: true, requestId, payload: JSON.parse(answer.json) };
  }

  return {
    spec,
    async invoke(event) {
      const requestId = randomUUID();
      const environment = await acquire();
      if (environment === undefined) {
        return { ok: false, requestId, error: fault('ServiceException', 'the local stage is stopping') };
      }
      return run(environment, requestId, JSON.stringify(event) ?? 'null');
    },
    async crash() {
      await Promise.all([...live].map(({ worker }) => worker.terminate()));
    },
    async stop() {
      stopped = true;
      for (const resolve of waiting.splice(0)) resolve(undefined);
      await Promise.all([...live].map(({ worker }) => worker.terminate()));
    },
  };
}

type Answer =
  | { kind: 'ready' }
  | { kind: 'result'; json: string }
  | { kind: 'error' | 'ended'; error: InvocationError };

/** The worker's next message, or how it ended when it ends first. */
function nextAnswer(worker: Worker): Promise<Answer> {
  return new Promise((resolve) => {
    const settle = (answer: Answer) => {
      worker.off('message', onMessage).off('error', onError).off('exit', onExit);
      resolve(answer);
    };
    const onMessage = (message: WorkerMessage) => settle(message);
    const onError = (error: unknown) => settle({ kind: 'ended', error: crash(error) });
    const onExit = (code: number) => {
      settle({
        kind: 'ended',
        error: fault('Runtime.ExitError', `Runtime exited with error: exit status ${code}`),
      });
    };
    worker.once('message', onMessage).once('error', onError).once('exit', onExit);
  });
}

function withDeadline<T>(answer: Promise<T>, timeoutMs: number): Promise<T | 'late'> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve('late'), timeoutMs);
    void answer.then((value) => {
      clearTimeout(timer);
      resolve(value);
    });
  });
}

function workerSetup({
  codeFolder,
  handler,
  functionName,
  functionArn,
  memoryMb,
}: FunctionSpec): WorkerSetup {
  return { codeFolder, handler, functionName, functionArn, memoryMb };
}

function crash(error: unknown): InvocationError {
  // Errors of another realm are not instances of this one's Error.
  const described = typeof error === 'object' && error !== null && 'message' in error ? error.message : error;
  return fault('Runtime.ExitError', `Runtime exited with error: ${String(described)}`);
}

function fault(errorType: string, errorMessage: string): InvocationError {
  return { errorType, errorMessage, trace: [] };
}
