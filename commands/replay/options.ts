import { parseArgs } from 'node:util';

export const help = `Usage: npm run replay -- FILE.jsonl[.gz] [options]

Drives a workload trace through the real decisions (admission, scheduler, preemption, ledger) in virtual time, on a
throw-away Postgres of its own, and checks the invariants while it runs.

  --pool cpu=N,memory=N    room that all tenants share, vCPU and GB (default: no bound)
  --quota cpu=N,memory=N,cost=N,runs=N[,burst=N]
                           every tenant's quota: vCPU, GB, USD, concurrent runs (default: no bound); burst is the
                           share of cpu and memory that may be borrowed (default: the policy's)
  --on-quota refuse|wait   what a request over its quota does (default: refuse)
  --no-preemption          marks every task as not overridable
  --limit N                only the first N tasks of the trace
  --json                   one JSON document (default: a table)
  --help                   this text

Trace line: {"t_s", "tenant", "phase", "priority", "overridable", "cpu", "memory_gb", "duration_s"} and, where there are
costs, "cost_usd" or "input_tokens", "cached_input_tokens", "output_tokens" (priced at nominal rates).

Exits 1 when an invariant was broken, or when the file or an option cannot be read.
`;

/** Null = no bound; cpu in vCPU, memory in GB. */
export type PoolSize = { readonly cpu: number | null; readonly memoryGb: number | null };

/** Of each tenant; null = no bound. `burstShare` null = the policy's. */
export type TenantQuota = {
  readonly cpu: number | null;
  readonly memoryGb: number | null;
  readonly cost_usd: number | null;
  readonly runs: number | null;
  readonly burstShare: number | null;
};

export type ReplayOptions = {
  readonly pool: PoolSize;
  readonly quota: TenantQuota;
  readonly onQuota: 'refuse' | 'wait';
  readonly preemption: boolean;
};

export const unbounded: ReplayOptions = {
  pool: { cpu: null, memoryGb: null },
  quota: { cpu: null, memoryGb: null, cost_usd: null, runs: null, burstShare: null },
  onQuota: 'refuse',
  preemption: true,
};

export type CommandLine =
  | { readonly kind: 'help' }
  | {
      readonly kind: 'replay';
      readonly path: string;
      readonly tasks_max: number;
      readonly json: boolean;
      readonly options: ReplayOptions;
    };

/** @throws Error saying which option is wrong and how it is written */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      pool: { type: 'string' },
      quota: { type: 'string' },
      'on-quota': { type: 'string' },
      'no-preemption': { type: 'boolean' },
      limit: { type: 'string' },
      json: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) return { kind: 'help' };
  const [path, ...more] = positionals;
  if (path === undefined || more.length > 0) throw new Error(`Name one trace file.\n\n${help}`);
  const pool = amounts('--pool', values.pool, ['cpu', 'memory']);
  const quota = amounts('--quota', values.quota, ['cpu', 'memory', 'cost', 'runs', 'burst']);
  return {
    kind: 'replay',
    path,
    tasks_max: values.limit === undefined ? Number.POSITIVE_INFINITY : wholeNumber('--limit', values.limit),
    json: values.json === true,
    options: {
      pool: { cpu: pool.cpu ?? null, memoryGb: pool.memory ?? null },
      quota: {
        cpu: quota.cpu ?? null,
        memoryGb: quota.memory ?? null,
        cost_usd: quota.cost ?? null,
        runs: quota.runs ?? null,
        burstShare: quota.burst ?? null,
      },
      onQuota: oneOf('--on-quota', values['on-quota'] ?? 'refuse', ['refuse', 'wait']),
      preemption: values['no-preemption'] !== true,
    },
  };
}

/** `cpu=40,memory=80` to numbers by name. */
function amounts<Name extends string>(
  option: string,
  text: string | undefined,
  names: readonly Name[],
): Partial<Record<Name, number>> {
  const found: Partial<Record<Name, number>> = {};
  for (const part of text === undefined ? [] : text.split(',')) {
    const [name = '', value = ''] = part.split('=');
    const known = oneOf(option, name, names);
    const amount = Number(value);
    if (value.trim() === '' || !Number.isFinite(amount) || amount < 0) {
      throw new Error(`${option}: ${part} is not an amount; write it as ${known}=40.`);
    }
    found[known] = amount;
  }
  return found;
}

function oneOf<Name extends string>(option: string, text: string, names: readonly Name[]): Name {
  const found = names.find((name) => name === text);
  if (found === undefined) throw new Error(`${option}: ${text} is not one of ${names.join(', ')}.`);
  return found;
}

function wholeNumber(option: string, text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) {
    throw new Error(`${option}: ${text} is not a whole number above zero.`);
  }
  return number;
}
