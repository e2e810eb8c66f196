/** Puts the stage's judge behind a scorer. Loaded only where a judge is switched on: prices and Bedrock's client take time. */

import { randomBytes } from 'node:crypto';
import { policyInForce } from '../../shared/admission/policy-in-force.ts';
import { cannotPay, type PurseOfRun, payFrom } from '../../shared/budget/purse.ts';
import { bedrockJudge } from '../../shared/deliberation/bedrock-judge.ts';
import type { Judge } from '../../shared/deliberation/judge.ts';
import { judgedScorer } from '../../shared/deliberation/judged-scorer.ts';
import type { Scorer } from '../../shared/deliberation/scorer.ts';
import type { Log } from '../../shared/platform/log.ts';
import { judgeSettings } from '../../shared/platform/process-env.ts';

/** The run that a text is scored for, which pays for the judge. */
export type Payer = Omit<PurseOfRun, 'policy'> & { readonly log: Log };

/** A scorer for the runs of one call. */
export type WithJudge = (local: Scorer, payer: Payer) => Scorer;

/** 128 bits: nobody guesses them. */
const randomMark = () => randomBytes(16).toString('hex');

export function withJudge(judge: Judge, mark: () => string = randomMark): WithJudge {
  const { provider, model } = judge;
  return (local, { log, ...run }) => {
    const purse = { ...run, policy: policyInForce() };
    return judgedScorer({
      local,
      judge,
      mark,
      purse: {
        refuses: (tokens_max) => cannotPay(purse, { provider, model }, tokens_max),
        async pay(eventId, usage) {
          const unbooked = await payFrom(purse, { eventId, kind: 'judge', provider, model, usage });
          if (unbooked !== null)
            log.error({ eventId, usage, reason: unbooked }, 'cost of the judge not booked');
        },
      },
      unjudged({ scoreId, why, detail }) {
        const said = { scoreId, runId: run.runId, model, why, detail };
        // What the text or its budget is the reason for is no failure; the alarm counts lines with this member.
        if (why === 'too_long' || why === 'over_budget') log.info(said, 'judge not asked');
        else log.warn({ ...said, judgeFailure: why }, 'judge gave no opinion');
      },
    });
  };
}

/** The judge that the environment names; the same one at every call. */
export const environmentJudge: WithJudge = (local, payer) => {
  inUse ??= withJudge(bedrockJudge(judgeSettings()));
  return inUse(local, payer);
};

let inUse: WithJudge | undefined;
