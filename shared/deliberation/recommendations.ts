import type { Score } from './scorer.ts';
import type { Verdict, VerdictThresholds } from './verdict.ts';

const parts_max = 6;

/**
 * What to do next, in sentences for the author of the reasoning; empty for a pass. Most urgent first. An axis that is high
 * enough to pass needs no advice.
 */
export function recommendationsFor(score: Score, verdict: Verdict, thresholds: VerdictThresholds): string[] {
  if (verdict === 'pass') return [];
  const { evidence } = score;
  const advice: string[] = [];
  if (verdict === 'fallback') {
    advice.push(
      'The thinking is longer than the score is trusted for: have a person or another judge read it.',
    );
  }
  for (const { first, second, why } of score.contradictions.slice(0, 3)) {
    advice.push(`Resolve the contradiction between "${first}" and "${second}": ${why}`);
  }
  for (const sentence of (evidence.addressesJudge ?? []).slice(0, 3)) {
    advice.push(`Remove what speaks to whoever grades the text instead of serving the goal: "${sentence}"`);
  }
  for (const { written, value } of evidence.wrongSums.slice(0, 3)) {
    advice.push(`Correct "${written}" and what follows from it: it is ${value}.`);
  }
  if (score.relevance < thresholds.pass_relevance && evidence.uncoveredGoalParts.length > 0) {
    advice.push(
      `Say how the steps serve these parts of the goal: ${evidence.uncoveredGoalParts.slice(0, parts_max).join(', ')}.`,
    );
  }
  for (const step of evidence.intruders.slice(0, 3)) {
    advice.push(`Tie this step to the goal or to another step, or remove it: "${step}"`);
  }
  for (const { second } of evidence.repeated.slice(0, 3)) {
    advice.push(`Remove the repetition, or say what is new in it: "${second}"`);
  }
  if (evidence.empty.length > 0) {
    advice.push(`Replace sentences that only announce reasoning by what was found: "${evidence.empty[0]}"`);
  }
  if (score.coherence < thresholds.pass_coherence) {
    for (const problem of evidence.orderProblems)
      advice.push(`Put the steps in the order in which they follow. ${problem}`);
  }
  if (score.depth < thresholds.pass_depth) advice.push(...depthAdvice(score));
  if (evidence.lowConfidence !== undefined) {
    advice.push(`Have a person look at it; the score is uncertain. ${evidence.lowConfidence}`);
  }
  if (advice.length === 0) advice.push('Have a person look at it: the score lies between pass and reject.');
  return advice;
}

function depthAdvice({ evidence }: Score): string[] {
  const missing: readonly (readonly [boolean, string])[] = [
    [evidence.steps.length < 3, 'Work the reasoning out: it has fewer than three steps.'],
    [evidence.alternatives.length === 0, 'Name at least one alternative and why it was not chosen.'],
    [
      evidence.evidence.length === 0,
      'Give evidence: figures, sources or results that the conclusion rests on.',
    ],
    [evidence.risks.length === 0, 'Name what could go wrong and what would show it.'],
    [evidence.conclusion === null, 'End with a conclusion that answers the goal.'],
  ];
  return missing.flatMap(([lacking, advice]) => (lacking ? [advice] : []));
}
