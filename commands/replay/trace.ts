import * as z from 'zod';
import { classNumber, type TaskClass } from '../../shared/admission/priority.ts';
import { usdToNanos } from '../../shared/platform/money.ts';
import { id, taskClass } from '../../shared/platform/schema.ts';
import { readLines } from '../lines.ts';

const amount = z.number().min(0);
const tokens = z.int().min(0);

const traceLine = z.object({
  t_s: amount,
  tenant: id,
  phase: id,
  priority: taskClass,
  overridable: z.boolean(),
  cpu: amount,
  memory_gb: amount,
  duration_s: amount,
  cost_usd: amount.optional(),
  input_tokens: tokens.optional(),
  cached_input_tokens: tokens.optional(),
  output_tokens: tokens.optional(),
});

/** One task of a trace. Its run is its own: run and task have the same id. */
export type TracedTask = {
  readonly taskId: string;
  readonly tenantId: string;
  readonly phase: string;
  readonly class: TaskClass;
  readonly overridable: boolean;
  /** vCPU */
  readonly cpu: number;
  readonly memoryGb: number;
  /** From the start of the trace. */
  readonly arrival_ms: number;
  readonly duration_ms: number;
  readonly cost_usd_nanos: bigint;
};

/**
 * The first `tasks_max` tasks of a trace, by arrival.
 *
 * @throws Error naming file and line when a line is not JSON or not of the documented shape
 */
export async function readTrace(path: string, tasks_max: number): Promise<TracedTask[]> {
  const tasks: TracedTask[] = [];
  let number = 0;
  for await (const line of readLines(path)) {
    number += 1;
    if (line.trim() === '') continue;
    tasks.push(parseTraceLine(line, `${path}, line ${number}`, `task-${number}`));
  }
  return tasks.toSorted((a, b) => a.arrival_ms - b.arrival_ms).slice(0, tasks_max);
}

/** Arrivals and durations so many times as long: the same load, with the waits of longer work. */
export function stretched(tasks: readonly TracedTask[], times: number): TracedTask[] {
  return tasks.map((task) => ({
    ...task,
    arrival_ms: Math.round(task.arrival_ms * times),
    duration_ms: Math.round(task.duration_ms * times),
  }));
}

/** @throws Error beginning with `place` and naming what is wrong */
export function parseTraceLine(line: string, place: string, taskId: string): TracedTask {
  const parsed = traceLine.safeParse(jsonOf(line, place));
  if (!parsed.success) {
    const issues = parsed.error.issues.map(
      (issue) => `${issue.path.join('.') || 'the line'}: ${issue.message}`,
    );
    throw new Error(`${place}: ${issues.join('; ')}`);
  }
  const traced = parsed.data;
  return {
    taskId,
    tenantId: traced.tenant,
    phase: traced.phase,
    class: classNumber(traced.priority),
    overridable: traced.overridable,
    cpu: traced.cpu,
    memoryGb: traced.memory_gb,
    arrival_ms: Math.round(traced.t_s * 1000),
    duration_ms: Math.round(traced.duration_s * 1000),
    cost_usd_nanos: costOf(traced),
  };
}

function jsonOf(line: string, place: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new Error(`${place}: not JSON`, { cause: error });
  }
}

// Models of public traces have no price, so that tokens are charged at rates of the usual size: 1, 0.1 and 4 USD a million.
const input_usd_nanos_per_token = 1000n;
const cachedInput_usd_nanos_per_token = 100n;
const output_usd_nanos_per_token = 4000n;

function costOf(traced: z.infer<typeof traceLine>): bigint {
  if (traced.cost_usd !== undefined) return usdToNanos(traced.cost_usd, 'halfUp');
  const cached = BigInt(traced.cached_input_tokens ?? 0);
  const input = BigInt(traced.input_tokens ?? 0);
  const uncached = input > cached ? input - cached : 0n;
  return (
    uncached * input_usd_nanos_per_token +
    cached * cachedInput_usd_nanos_per_token +
    BigInt(traced.output_tokens ?? 0) * output_usd_nanos_per_token
  );
}
