/** Lines of 100,000 waiting tasks beside 10,000 running ones, each hard in its own way. */

/** Shares of the classes P0 to P3, which sum to 1. */
export type ClassMix = readonly [p0: number, p1: number, p2: number, p3: number];

export type LineShape = {
  readonly name: string;
  readonly title: string;
  /** Tenants, whose sizes fall as 1/rank (Zipf). */
  readonly tenants: number;
  readonly waiting: number;
  readonly running: number;
  /** The part of all tasks that the first tenant has; null = as its rank says. */
  readonly firstTenantShare: number | null;
  /** Tasks ask for 1 vCPU up to this many, and 4 GB for each. */
  readonly cpu_max: number;
  readonly waitingFor: 'pool' | 'quota';
  /** How long the first of the line has waited. */
  readonly lineAge_seconds: number;
  readonly waitingClasses: ClassMix;
  readonly runningClasses: ClassMix;
  /** What arrives is measured as preempting somebody; else nothing that waits could preempt anything that runs. */
  readonly preempts: boolean;
};

const steady = {
  tenants: 100,
  waiting: 100_000,
  running: 10_000,
  firstTenantShare: null,
  cpu_max: 1,
  waitingFor: 'pool',
  // Each tenant's oldest have aged as far as they can.
  lineAge_seconds: 6000,
  waitingClasses: [0, 0.1, 0.3, 0.6],
  // The pool is full of what outranks the line, as it is once the line has preempted whom it could.
  runningClasses: [0.1, 0.9, 0, 0],
  preempts: false,
} as const;

export const lineShapes: readonly LineShape[] = [
  { ...steady, name: 'one-size', title: 'all of one size' },
  { ...steady, name: 'many-tenants', title: 'all of one size, of a thousand tenants', tenants: 1000 },
  { ...steady, name: 'mixed-sizes', title: 'sizes from 1 to 16 vCPU', cpu_max: 16 },
  { ...steady, name: 'one-big-tenant', title: 'half the line is of one tenant', firstTenantShare: 0.5 },
  { ...steady, name: 'quota-waiters', title: 'all wait for quota, the pool has room', waitingFor: 'quota' },
  {
    ...steady,
    name: 'victims',
    title: 'all classes run, sizes from 1 to 16 vCPU, P1 arrives',
    cpu_max: 16,
    // Nothing has aged, so that no head keeps the free room.
    lineAge_seconds: 300,
    waitingClasses: [0, 0, 0, 1],
    runningClasses: [0.1, 0.3, 0.3, 0.3],
    preempts: true,
  },
];
