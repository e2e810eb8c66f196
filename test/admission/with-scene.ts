/** The stage of an admission test: a database of its own, the API's handlers, and the steps, made anew before each test. */

import { afterEach, beforeEach } from '@jest/globals';
import { type Api, testApi } from '../setup/api.ts';
import { type TestDatabase, withDatabase } from '../setup/database.ts';
import { expectInvariants } from '../setup/invariants.ts';
import { type Scene, sceneOf, startAgain } from './scene.ts';

export type Stage = { readonly db: TestDatabase; readonly api: Api; readonly scene: Scene };

/** Runs `arrange` on an empty stage before each test; after each, every invariant must hold. */
export function withScene(arrange: (stage: Stage) => Promise<void>): Stage {
  const db = withDatabase();
  const api = testApi(() => db.app);
  const stage = { db, api, scene: sceneOf(api) };
  beforeEach(async () => {
    await startAgain(db.admin, api);
    await arrange(stage);
  });
  afterEach(() => expectInvariants(db.admin, api.now()));
  return stage;
}

/** 10 vCPU (15 with burst), 40 GB (60), 100 USD, 5 runs. */
export const someQuotas = {
  cpu: { limit: 10 },
  memory: { limit: 40 },
  cost: { limitUSD: 100 },
  concurrentRuns: { limit: 5 },
};

/** The reasons of a refusal as `code level resource`. */
export function codesOf(body: {
  readonly reasons: readonly { readonly code: string; readonly resource?: string; readonly level: string }[];
}): string[] {
  return body.reasons.map(({ code, resource, level }) => [code, level, resource ?? null].join(' ').trim());
}
