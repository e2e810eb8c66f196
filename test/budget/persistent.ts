/** Callers that do not give up at the first 503, as on a machine that has much else to do. */

import type { Answer, Api } from '../setup/api.ts';

export type Call = (...parameters: Parameters<Api['call']>) => Promise<Answer>;

/** More often than this is a failure. */
const attempts_max = 5;

/** Repeats a call that the store has not answered in time: what it did, if anything, is done once. */
export function persistent(api: Api): Call {
  return async (...parameters) => {
    let answer = await api.call(...parameters);
    for (let attempt = 1; answer.status === 503 && attempt < attempts_max; attempt += 1) {
      answer = await api.call(...parameters);
    }
    return answer;
  };
}
