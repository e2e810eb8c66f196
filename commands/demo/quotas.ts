/** What the story's two tenants may use. */

import type { Quotas } from '../../shared/admission/contract.ts';

export const quotasOfA = {
  cpu: { limit: 24 },
  memory: { limit: 96 },
  cost: { limitUSD: 100 },
  concurrentRuns: { limit: 6 },
} as const satisfies Quotas;

/** Few runs at once, which the runaway loop meets. */
export const quotasOfB = { ...quotasOfA, concurrentRuns: { limit: 4 } } as const satisfies Quotas;
