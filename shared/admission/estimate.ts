/** When a waiting task may start, from the pace of recent grants. Pure. */

/** Grants made in the window before now. */
export type DispatchRate = { readonly grants: number; readonly windowSeconds: number };

export type StartEstimate = { readonly earliest: string; readonly latest: string };

/** The pace is taken to stay between half and twice what it was. */
const paceFactor = 2;

/** Null when nothing was granted recently: then there is no pace to estimate from, and none is made up. */
export function startEstimate(position: number, rate: DispatchRate, now: Date): StartEstimate | null {
  if (rate.grants === 0) return null;
  const secondsEach = rate.windowSeconds / rate.grants;
  const at = (seconds: number) => new Date(now.getTime() + seconds * 1000).toISOString();
  return {
    earliest: at((position - 1) * (secondsEach / paceFactor)),
    latest: at(position * secondsEach * paceFactor),
  };
}
