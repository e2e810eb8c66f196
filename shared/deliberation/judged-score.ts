/** What a judge's opinion makes of a score. Pure. */

import type { Axis, JudgeEvidence, Opinion } from './judge.ts';
import type { Score } from './scorer.ts';

/**
 * As far as the judge may move an axis from where the built-in scorer put it: enough to settle what lies between reject
 * (0.4) and pass (0.6), and too little to make a pass of an axis that is all but rejected (0.2).
 */
export const axisMove_max = 0.25;

type OnlyLowers = Extract<JudgeEvidence, { used: true }>['onlyLowers'];

/**
 * Why the judge may lower this score and never raise it: what is wrong with the text has been found by means that it
 * cannot talk to, and a judge that it has talked round must not undo that.
 */
export function onlyLowers(score: Score): OnlyLowers {
  if (score.contradictions.length > 0) return 'contradiction';
  return (score.evidence.addressesJudge ?? []).length > 0 ? 'addresses_judge' : null;
}

/** The score with each axis moved towards the judge's grade, as far as that is allowed. */
export function judgedScore(score: Score, opinion: Opinion): Score {
  const mayRaise = onlyLowers(score) === null;
  const moved = (axis: Axis): number => {
    const local = score[axis];
    const wanted = Math.min(local + axisMove_max, Math.max(local - axisMove_max, opinion[axis].score / 10));
    return round(Math.min(1, Math.max(0, mayRaise ? wanted : Math.min(local, wanted))));
  };
  const [depth, coherence, relevance] = [moved('depth'), moved('coherence'), moved('relevance')];
  const overall = round(0.35 * depth + 0.35 * coherence + 0.3 * relevance);
  return { ...score, depth, coherence, relevance, overall };
}

/** Six decimals, as the built-in scorer has. */
const round = (value: number): number => Math.round(value * 1e6) / 1e6;
