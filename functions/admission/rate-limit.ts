import type { AdmissionOutcome } from '../../shared/admission/rows.ts';

/**
 * `RateLimit` and `RateLimit-Policy` of an admission (draft-ietf-httpapi-ratelimit-headers-10): the tenant's places for
 * concurrent runs, which is what admissions use up, and while it is throttled the time until it may ask again.
 */
export function rateLimitHeaders(outcome: AdmissionOutcome, now: Date): Record<string, string> {
  const throttled = outcome.reasons.find((reason) => reason.code === 'throttled');
  if (throttled?.retryAt) {
    const seconds = Math.max(1, Math.ceil((Date.parse(throttled.retryAt) - now.getTime()) / 1000));
    return { 'ratelimit-policy': '"admissions";q=0', ratelimit: `"admissions";r=0;t=${seconds}` };
  }
  if (outcome.runsLimit === null || outcome.runsLimit === undefined) return {};
  const limit = Math.floor(outcome.runsLimit);
  const remaining = Math.max(0, limit - outcome.runsHeld);
  return {
    'ratelimit-policy': `"concurrent-runs";q=${limit}`,
    ratelimit: `"concurrent-runs";r=${remaining}`,
  };
}
