import type { Reading } from './reading.ts';

/** How steps hang together by the specific words they share; arrays run along the steps. */
export type Links = {
  /** Share of a step's specific words that the goal holds. */
  readonly toGoal: readonly number[];
  /** Share of a step's specific words that another step holds. */
  readonly toRest: readonly number[];
  /** Steps that reach the goal over shared words, directly or through other steps. */
  readonly connected: number;
};

/** Lexical links between steps. Words of most steps count little: they would link everything; repeated steps link nothing. */
export function links({ steps, goal }: Reading): Links {
  const holders = new Map<string, number>();
  for (const step of steps.filter(({ repeats }) => !repeats))
    for (const member of step.specific) holders.set(member, (holders.get(member) ?? 0) + 1);
  const common = Math.max(3, steps.length * 0.6);
  const weigh = (member: string) => ((holders.get(member) ?? 0) > common ? 0.4 : 1);
  const share = (members: ReadonlySet<string>, held: (member: string) => boolean) => {
    let total = 0;
    let shared = 0;
    for (const member of members) {
      total += weigh(member);
      if (held(member)) shared += weigh(member);
    }
    return total === 0 ? 0 : shared / total;
  };
  const toGoal = steps.map((step) => share(step.specific, (member) => goal.weights.has(member)));
  const toRest = steps.map((step) => share(step.specific, (member) => (holders.get(member) ?? 0) > 1));
  const reached = new Set(goal.weights.keys());
  let connected = 0;
  let waiting = steps.filter((step) => !step.filler && !step.repeats);
  for (let grew = true; grew; ) {
    const rest: typeof waiting = [];
    for (const step of waiting) {
      const touches = [...step.specific].some((member) => reached.has(member) && weigh(member) === 1);
      if (touches) {
        connected += 1;
        for (const member of step.specific) reached.add(member);
      } else rest.push(step);
    }
    grew = rest.length < waiting.length;
    waiting = rest;
  }
  return { toGoal, toRest, connected };
}
