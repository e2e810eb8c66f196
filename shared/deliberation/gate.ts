/** The quality gate: which verdicts close it, and what it says (D5, decisions/0014). Pure. */

import {
  type ScoreNumbers,
  type Shortfall,
  type StoredThresholds,
  shortfalls,
  shortfallWords,
  thresholdsOfStored,
  type Verdict,
} from './verdict.ts';

/** Phases whose reasoning is expected to be scored (D1): theirs close the gate and open it. */
export const gatePhases: readonly string[] = ['plan', 'design', 'story_loop'];

export function countsForGate(phase: string): boolean {
  return gatePhases.includes(phase);
}

/** The rejected score that keeps a run's gate closed, as `closed_gate.sql` gives it. */
export type ClosedGate = ScoreNumbers & {
  readonly scoreId: string;
  readonly phase: string;
  readonly scorerVersion: string;
  readonly thresholds: StoredThresholds;
  /** What the author was told to do. */
  readonly recommendations: readonly string[];
  readonly at: string;
  /** Of the newest score that counts for the gate; anything but a pass leaves it closed. */
  readonly lastVerdict: Exclude<Verdict, 'pass'>;
};

/** What was too low, most urgent first; a score stored without thresholds says nothing. */
export function tooLow(gate: ClosedGate): Shortfall[] {
  return 'reject_overall' in gate.thresholds
    ? shortfalls(gate, thresholdsOfStored(gate.thresholds), 'reject')
    : [];
}

/** Which score closed the gate and why, in a sentence. */
export function gateWords(gate: ClosedGate): string {
  const why = tooLow(gate);
  const reason = why.length === 0 ? `overall ${gate.overall}` : shortfallWords(why);
  const since = gate.lastVerdict === 'reject' ? '' : ` A later ${gate.lastVerdict} does not lift it.`;
  return `The reasoning of ${gate.phase} (${gate.scoreId}) was rejected: ${reason}.${since}`;
}

const advice_max = 3;

/** What lifts it: the general first, then what the score itself advised. */
export function gateAdvice({ phase, recommendations }: ClosedGate): string[] {
  return [
    `Revise the reasoning of ${phase} and have it scored again with POST /v1/runs/{runId}/deliberations: a score that passes lets the run's next phase in.`,
    ...recommendations.slice(0, advice_max),
  ];
}
