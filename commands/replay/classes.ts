/** The classes in their order, best first. */

import { className, type TaskClass } from '../../shared/admission/priority.ts';

export type ClassName = ReturnType<typeof className>;

export const classes = [0, 1, 2, 3] as const satisfies readonly TaskClass[];

/** A record with a value for each class. */
export function byClass<Value>(valueFor: (number: TaskClass) => Value): Record<ClassName, Value> {
  return Object.fromEntries(classes.map((number) => [className(number), valueFor(number)])) as Record<
    ClassName,
    Value
  >;
}
