/** Class, overridability and default resources by phase (A3). Pure. */

export type TaskClass = 0 | 1 | 2 | 3;
export type ClassName = 'P0' | 'P1' | 'P2' | 'P3';

export type PhaseDefaults = {
  readonly class: TaskClass;
  readonly overridable: boolean;
  /** vCPU */
  readonly cpu: number;
  readonly memoryGb: number;
};

const phases: Readonly<Record<string, PhaseDefaults>> = {
  security: { class: 0, overridable: false, cpu: 6, memoryGb: 24 },
  deploy: { class: 0, overridable: false, cpu: 4, memoryGb: 16 },
  build: { class: 1, overridable: true, cpu: 8, memoryGb: 32 },
  test: { class: 1, overridable: true, cpu: 6, memoryGb: 24 },
  plan: { class: 2, overridable: true, cpu: 2, memoryGb: 8 },
  design: { class: 2, overridable: true, cpu: 4, memoryGb: 16 },
  story_loop: { class: 2, overridable: true, cpu: 4, memoryGb: 16 },
  research: { class: 3, overridable: true, cpu: 2, memoryGb: 8 },
};

const otherPhase: PhaseDefaults = { class: 2, overridable: true, cpu: 4, memoryGb: 16 };

export function defaultsOfPhase(phase: string): PhaseDefaults {
  return Object.hasOwn(phases, phase) ? (phases[phase] ?? otherPhase) : otherPhase;
}

/** What an operator may set instead (A3); a class of P0 stays preemptible unless the override says so. */
export type PriorityOverride = {
  readonly class?: ClassName | undefined;
  readonly overridable?: boolean | undefined;
  readonly reason: string;
};

export type Priority = {
  readonly class: TaskClass;
  readonly overridable: boolean;
  /** `phase:<name>` or the operator's words. */
  readonly reason: string;
};

export function priorityOf(phase: string, override?: PriorityOverride): Priority {
  const defaults = defaultsOfPhase(phase);
  if (override === undefined) {
    return { class: defaults.class, overridable: defaults.overridable, reason: `phase:${phase}` };
  }
  return {
    class: override.class === undefined ? defaults.class : classNumber(override.class),
    overridable: override.overridable ?? defaults.overridable,
    reason: override.reason,
  };
}

const classNames = ['P0', 'P1', 'P2', 'P3'] as const;

export function classNumber(name: ClassName): TaskClass {
  return classNames.indexOf(name) as TaskClass;
}

/** @throws RangeError for a number that is no class */
export function className(number: number): ClassName {
  const name = classNames[number];
  if (name === undefined) throw new RangeError(`${number} is not a class; classes are 0 to 3.`);
  return name;
}
