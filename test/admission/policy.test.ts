/** The numbers of the policy, and what a stage may make of them. */

import { describe, expect, test } from '@jest/globals';
import { type Policy, policy, policyNumbers, policyWith } from '../../shared/admission/policy.ts';
import { policyInForce, policyOf, putInForce } from '../../shared/admission/policy-in-force.ts';

/** Those that the rules mark as defaults, as the rules give them. */
const ofTheRules: Partial<Policy> = {
  burst_share: 0.5,
  violations_max: 5,
  violation_window_seconds: 60,
  throttle_seconds: 300,
  aging_step_seconds: 600,
  aging_tasks_max: 5,
  backfill_wait_seconds: 600,
  claim_seconds: 60,
  lease_seconds: 60,
  lapses_max: 3,
  min_run_seconds: 60,
  shield_after_preemptions: 3,
  promise_seconds: 60,
  grace_seconds: 30,
  quota_event_seconds: 10,
  ...{ pass_overall: 0.6, pass_depth: 0.6, pass_coherence: 0.6, pass_relevance: 0.6 },
  ...{ reject_overall: 0.4, reject_depth: 0.2, reject_coherence: 0.2, reject_relevance: 0.2 },
  thinking_tokens_max: 2000,
};

test('without overrides the numbers are those of the rules, and they keep their own ranges', () => {
  expect(policyOf({})).toBe(policy);
  expect(policy).toMatchObject(ofTheRules);
  const { version: _version, ...numbers } = policy;
  expect(policyWith(numbers)).toBe(policy);
});

describe('with overrides', () => {
  test('the rest stays, and nothing can be changed any more', () => {
    const changed = policyOf({ POLICY_OVERRIDES: '{"grace_seconds":45,"burst_share":0}' });
    expect(changed).toEqual({
      ...policy,
      grace_seconds: 45,
      burst_share: 0,
      version: expect.not.stringMatching(`^${policy.version}$`),
    });
    expect(Object.isFrozen(changed)).toBe(true);
    expect(Object.isFrozen(policy)).toBe(true);
  });

  test('the version says what it comes from and what differs, in whatever order it was written', () => {
    const { version } = policyWith({ grace_seconds: 45, lapses_max: 1 });
    expect(version).toMatch(new RegExp(`^${policy.version}\\+[0-9a-f]{12}$`));
    expect(policyWith({ lapses_max: 1, grace_seconds: 45 }).version).toBe(version);
    expect(policyWith({ lapses_max: 1, grace_seconds: 45, claim_seconds: 60 }).version).toBe(version);
    expect(policyWith({ lapses_max: 1, grace_seconds: 46 }).version).not.toBe(version);
  });

  test('a process goes by another policy until it gives it back', () => {
    const before = policyInForce();
    const other = policyWith({ lapses_max: 1 });
    const restore = putInForce(other);
    expect(policyInForce()).toBe(other);
    restore();
    expect(policyInForce()).toBe(before);
  });
});

test.each([
  ['{"speed":1}', `speed is not one of ${policyNumbers.join(', ')}.`],
  ['{"lapses_max":"3"}', 'lapses_max must be a whole number from 0 to 1000.'],
  ['{"lapses_max":1.5}', 'lapses_max must be a whole number from 0 to 1000.'],
  ['{"lapses_max":null}', 'lapses_max must be a whole number from 0 to 1000.'],
  ['{"lease_seconds":9}', 'lease_seconds must be a whole number from 10 to 86400.'],
  ['{"burst_share":-0.1}', 'burst_share must be a number from 0 to 10.'],
  ['{"reject_depth":0.61}', 'reject_depth must not be above pass_depth.'],
  ['{"pass_overall":0.3,"pass_relevance":1.1}', 'pass_relevance must be a number from 0 to 1.'],
  ['{"version":"mine"}', 'version is not one of'],
  ['{"lapses_max":-1,"claim_seconds":0}', 'claim_seconds must be a whole number from 1 to 86400; lapses_max'],
  ['[]', 'must be an object of numbers by name.'],
  ['3', 'must be an object of numbers by name.'],
])('a function with the overrides %s does not start, and says why', (overrides, message) => {
  expect(() => policyOf({ POLICY_OVERRIDES: overrides })).toThrow(
    `Environment variable POLICY_OVERRIDES: ${message}`,
  );
});

test('nor does one whose overrides are no JSON', () => {
  expect(() => policyOf({ POLICY_OVERRIDES: 'lapses_max=1' })).toThrow(
    'Environment variable POLICY_OVERRIDES is not JSON',
  );
});
