/**
 * A judge over Bedrock's Converse. The only file that knows its client; the endpoint, region and credentials are those of
 * the SDK's own environment variables (`AWS_ENDPOINT_URL_BEDROCK_RUNTIME` puts a stand-in in Bedrock's place).
 */

import {
  BedrockRuntimeClient,
  ConverseCommand,
  type ConverseCommandInput,
} from '@aws-sdk/client-bedrock-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { Asked, Judge, JudgeFailure, Question } from './judge.ts';
import { readAnswer, readUsage } from './judge-answer.ts';
import { answerTokens_max, toolName, toolSchema } from './judge-question.ts';

export type BedrockJudgeSettings = {
  /** Of a foundation model, or the id or ARN of an inference profile. */
  readonly modelId: string;
  /** For the whole of it, attempts and pauses included. */
  readonly timeout_ms: number;
  /** The first one included. What was refused or broke off is tried again; what was answered or is late is not. */
  readonly attempts_max: number;
};

const connectTimeout_ms = 1000;

export function bedrockJudge({ modelId, timeout_ms, attempts_max }: BedrockJudgeSettings): Judge {
  const client = new BedrockRuntimeClient({
    maxAttempts: attempts_max,
    retryMode: 'standard',
    // The client's own is HTTP/2, whose sessions do not outlive a frozen process, and which few stand-ins speak.
    requestHandler: new NodeHttpHandler({ connectionTimeout: connectTimeout_ms, requestTimeout: timeout_ms }),
  });
  return {
    provider: 'aws',
    model: modelId,
    async ask(question) {
      const deadline = AbortSignal.timeout(timeout_ms);
      const call = client.send(new ConverseCommand(requestOf(modelId, question)), { abortSignal: deadline });
      try {
        // The SDK does not hear the signal while it pauses between attempts.
        const answer = await Promise.race([call, whenAborted(deadline)]);
        const read = readAnswer(answer, question);
        const usage = readUsage(answer.usage) ?? question.tokens_max;
        return { ...read, usage };
      } catch (error) {
        call.catch(() => {});
        return failureOf(error, deadline.aborted, question);
      }
    },
  };
}

function requestOf(modelId: string, { system, user }: Question): ConverseCommandInput {
  return {
    modelId,
    system: [{ text: system }],
    messages: [{ role: 'user', content: [{ text: user }] }],
    inferenceConfig: { temperature: 0, maxTokens: answerTokens_max },
    toolConfig: {
      tools: [
        {
          toolSpec: { name: toolName, description: 'Reports the grades', inputSchema: { json: toolSchema } },
        },
      ],
      toolChoice: { tool: { name: toolName } },
    },
  };
}

function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

function failureOf(error: unknown, late: boolean, question: Question): Asked {
  const { name, message } = error instanceof Error ? error : { name: 'unknown', message: String(error) };
  const status = statusOf(error);
  const detail = `${name}${status === null ? '' : ` (${status})`}: ${message}`;
  const failed = (why: JudgeFailure): Asked => ({ kind: 'failed', why, detail, usage: null });
  if (late || name === 'TimeoutError') return failed('timeout');
  // Answered, and so paid for, in a form that says nothing.
  if (status === 200) return { kind: 'failed', why: 'malformed', detail, usage: question.tokens_max };
  if (status === 429 || name === 'ThrottlingException') return failed('throttled');
  const theirs = status === null || status >= 500 || status === 408 || status === 424;
  return failed(theirs ? 'unavailable' : 'denied');
}

function statusOf(error: unknown): number | null {
  if (typeof error !== 'object' || error === null) return null;
  if ('$metadata' in error) {
    const { httpStatusCode } = error.$metadata as { httpStatusCode?: number };
    if (httpStatusCode !== undefined) return httpStatusCode;
  }
  return '$response' in error
    ? ((error.$response as { statusCode?: number } | undefined)?.statusCode ?? null)
    : null;
}
