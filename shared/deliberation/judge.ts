/** A judge: a language model that is asked for a second opinion on a score (D7). Types alone. */

export type Axis = 'depth' | 'coherence' | 'relevance';

export type AxisOpinion = {
  /** 0 to 10, whole. */
  readonly score: number;
  /** The passage that decided, as it stands in the text; null when what the judge quoted is not there. */
  readonly quote: string | null;
  readonly reason: string;
};

export type Opinion = Readonly<Record<Axis, AxisOpinion>>;

/** What one call is about, ready to be sent. */
export type Question = {
  readonly system: string;
  readonly user: string;
  /** The goal and the text as they stand in it, to look quotes up. */
  readonly quotable: string;
  /** More tokens than the call can possibly take. */
  readonly tokens_max: JudgeUsage;
};

/** Tokens as costs are reported in: input tokens include cached ones. */
export type JudgeUsage = {
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly cacheWriteTokens: number;
  readonly outputTokens: number;
};

/** Why a judge that was asked gave no opinion. */
export type JudgeFailure =
  | 'timeout'
  | 'throttled'
  /** The network, or an error on the model's side. */
  | 'unavailable'
  /** Our role, our request or the model's name is refused: it will not get better by itself. */
  | 'denied'
  /** The model declined, or a filter did. */
  | 'refused'
  | 'truncated'
  | 'malformed';

export type Asked =
  | { readonly kind: 'opinion'; readonly opinion: Opinion; readonly usage: JudgeUsage }
  | {
      readonly kind: 'failed';
      readonly why: JudgeFailure;
      /** For our own log: it may name roles and accounts. */
      readonly detail: string;
      /** What it has cost all the same; null when nothing was answered that one pays for. */
      readonly usage: JudgeUsage | null;
    };

export interface Judge {
  /** As the price library and the ledger call it. */
  readonly provider: string;
  readonly model: string;
  /** Within a time of its own; never throws. */
  ask(question: Question): Promise<Asked>;
}

/** Why the judge had no part in a score of the review band. */
export type NoJudge = JudgeFailure | 'too_long' | 'over_budget' | 'no_price';

/** What of the judge is kept with a score. */
export type JudgeEvidence =
  | {
      readonly used: true;
      readonly model: string;
      readonly rubric: string;
      readonly opinion: Opinion;
      /** The score that the judge was asked about. */
      readonly local: Readonly<Record<Axis | 'overall', number>>;
      /** Why it could lower the score only; null when it could raise it too. */
      readonly onlyLowers: 'contradiction' | 'addresses_judge' | null;
      readonly usage: JudgeUsage;
      readonly costEventId: string;
    }
  | {
      readonly used: false;
      readonly model: string;
      readonly why: NoJudge;
      /** Of a call that was paid for and said nothing of use. */
      readonly usage?: JudgeUsage;
      readonly costEventId?: string;
    };
