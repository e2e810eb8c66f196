/** A run whose texts get the score that a test says, with a judge over Bedrock's own client behind it. */

import { afterAll, beforeAll } from '@jest/globals';
import { type WithJudge, withJudge } from '../../functions/deliberation/judge.ts';
import { bedrockJudge } from '../../shared/deliberation/bedrock-judge.ts';
import { scoreLocally } from '../../shared/deliberation/local-scorer.ts';
import type { Score, Scorer } from '../../shared/deliberation/scorer.ts';
import { type Answer, type Api, testApi } from '../setup/api.ts';
import type { TestDatabase } from '../setup/database.ts';
import { type ConverseStandIn, startConverse } from './converse-stand-in.ts';

/** Priced at 0.06 and 0.24 USD per million tokens of input and output. */
export const modelId = 'eu.amazon.nova-lite-v1:0';
export const mark = '0123456789abcdef0123456789abcdef';
export const text = 'Traces show 210 ms in the tax lookup. A batch call takes 40 ms, so it saves 170 ms.';

export type Axes = Pick<Score, 'depth' | 'coherence' | 'relevance'>;

export type Scene = {
  readonly api: Api;
  readonly converse: ConverseStandIn;
  /** What the scorer before the judge says of the texts that follow. */
  scores(axes: Axes, contradictions?: Score['contradictions']): void;
  /** A tenant with a run of 10 USD, unless another limit is given. */
  run(tenantId: string, options?: { readonly quotas?: object; readonly maxCostUSD?: number }): Promise<Run>;
};

export type Run = {
  score(text?: string, more?: object, headers?: Record<string, string>): Promise<Answer>;
  result(): Promise<Answer['body']>;
  /** The judge's rows of the run's ledger. */
  ledger(): Promise<{ event_id: string; cost: string; model: string; usage: object }[]>;
};

export const evenly = (value: number): Axes => ({ depth: value, coherence: value, relevance: value });

/** Use at the top level of a test file. */
export function judgeScene(
  database: TestDatabase,
  { timeout_ms = 4000, attempts_max = 3 }: { timeout_ms?: number; attempts_max?: number } = {},
): Scene {
  let axes = evenly(0.5);
  let contradictions: Score['contradictions'] = [];
  const scripted: Scorer = {
    version: 'scripted-1',
    score: async (input) => {
      const overall =
        Math.round((0.35 * axes.depth + 0.35 * axes.coherence + 0.3 * axes.relevance) * 1e6) / 1e6;
      return { ...scoreLocally(input), ...axes, overall, contradictions };
    },
  };
  const environment = { ...process.env };
  let converse: ConverseStandIn | undefined;
  let behind: WithJudge | undefined;
  beforeAll(async () => {
    converse = await startConverse();
    Object.assign(process.env, {
      AWS_ENDPOINT_URL_BEDROCK_RUNTIME: converse.url,
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    });
    behind = withJudge(bedrockJudge({ modelId, timeout_ms, attempts_max }), () => mark);
  });
  afterAll(async () => {
    process.env = environment;
    await converse?.stop();
  });
  const api = testApi(
    () => database.app,
    undefined,
    async () => (_, payer) => {
      if (behind === undefined) throw new Error('the judge is there inside tests only');
      return behind(scripted, payer);
    },
  );
  return {
    api,
    get converse() {
      if (converse === undefined) throw new Error('the stand-in is there inside tests only');
      return converse;
    },
    scores(next, found = []) {
      axes = next;
      contradictions = found;
    },
    async run(tenantId, { quotas = {}, maxCostUSD = 10 } = {}) {
      const as = { tenantId };
      await api.call('operator', 'PUT', `/v1/tenants/${tenantId}/quotas`, quotas);
      await api.call(as, 'POST', '/v1/runs', {
        runId: 'run',
        phase: 'plan',
        goal: 'Reduce the latency of checkout.',
        budget: { maxCostUSD },
        leaseSeconds: 86_400,
      });
      return {
        score: (scored = text, more = {}, headers = {}) =>
          api.call(as, 'POST', '/v1/runs/run/deliberations', { text: scored, ...more }, headers),
        result: async () => (await api.call(as, 'GET', '/v1/runs/run')).body,
        ledger: () =>
          database.app.query(
            `select event_id, usd(cost_usd_nanos)::text as cost, model, usage from cost_events
             where tenant_id = $1 and kind = 'judge' order by recorded_at, event_id`,
            [tenantId],
          ),
      };
    },
  };
}
