/**
 * When a waiting task may start. Pure.
 *
 * The guess is its position times the time between recent grants. How far that was off for the last tasks of its class that
 * started says how wide the range must be: between the 5 % and the 95 % quantile of what came against what was expected
 * (split conformal prediction), so that about nine in ten starts fall inside whatever the mix of work is.
 */

/** As `start_pace.sql` gives it. */
export type Pace = {
  /** Null: too few grants in the last hour to tell. */
  readonly secondsEach: number | null;
  /** By class: quantiles of (waited + 1 s) / (expected + 1 s) among its recent starts. */
  readonly classes: Readonly<
    Record<string, { readonly low: number; readonly high: number; readonly samples: number }>
  >;
};

export type StartEstimate = { readonly earliest: string; readonly latest: string };

/** Fewer starts than this say little about how far guesses are off. */
const samples_min = 20;
/** The range until then: a guess is taken to be off by this factor at most. */
const factorUntilKnown = 5;

/** Null when nothing was granted lately: then there is no pace to estimate from, and none is made up. */
export function startEstimate(
  position: number,
  taskClass: number,
  pace: Pace | null | undefined,
  now: Date,
): StartEstimate | null {
  if (pace?.secondsEach == null) return null;
  const expected_seconds = position * pace.secondsEach;
  const known = pace.classes[taskClass];
  const { low, high } =
    known !== undefined && known.samples >= samples_min
      ? known
      : { low: 1 / factorUntilKnown, high: factorUntilKnown };
  const at = (ratio: number) =>
    new Date(now.getTime() + Math.max((expected_seconds + 1) * ratio - 1, 0) * 1000).toISOString();
  return { earliest: at(low), latest: at(high) };
}
