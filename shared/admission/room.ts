/** Room in the pool: vCPU, GB and slots. Pure. */

export type Room = {
  readonly cpu: number;
  readonly memoryGb: number;
  /** How many tasks: every one takes one slot. */
  readonly tasks: number;
};

export const noRoom: Room = { cpu: 0, memoryGb: 0, tasks: 0 };

export function roomOf(task: { readonly cpu: number; readonly memoryGb: number }): Room {
  return { cpu: task.cpu, memoryGb: task.memoryGb, tasks: 1 };
}

/** A bound that is null is none. */
export function boundOf(cpu: number | null, memoryGb: number | null, tasks: number | null): Room {
  const noBound = Number.POSITIVE_INFINITY;
  return { cpu: cpu ?? noBound, memoryGb: memoryGb ?? noBound, tasks: tasks ?? noBound };
}

export function plus(a: Room, b: Room): Room {
  return { cpu: add(a.cpu, b.cpu), memoryGb: add(a.memoryGb, b.memoryGb), tasks: a.tasks + b.tasks };
}

export function minus(a: Room, b: Room): Room {
  return { cpu: add(a.cpu, -b.cpu), memoryGb: add(a.memoryGb, -b.memoryGb), tasks: a.tasks - b.tasks };
}

export function fits(need: Room, room: Room): boolean {
  return need.cpu <= room.cpu && need.memoryGb <= room.memoryGb && need.tasks <= room.tasks;
}

/** The smaller of two in each dimension. */
export function leastOf(a: Room, b: Room): Room {
  return {
    cpu: Math.min(a.cpu, b.cpu),
    memoryGb: Math.min(a.memoryGb, b.memoryGb),
    tasks: Math.min(a.tasks, b.tasks),
  };
}

/** What `need` exceeds `room` by; zero where it does not. */
export function shortOf(need: Room, room: Room): Room {
  return {
    cpu: Math.max(0, add(need.cpu, -room.cpu)),
    memoryGb: Math.max(0, add(need.memoryGb, -room.memoryGb)),
    tasks: Math.max(0, need.tasks - room.tasks),
  };
}

/** Sums of amounts with at most three decimals stay such amounts: 0.1 + 0.2 must fit into 0.3. */
export function add(a: number, b: number): number {
  return Math.round((a + b) * 1000) / 1000;
}
