/** Numbers of the policy that a stage overrides, from cdk.json to the functions. */

import { describe, expect, test } from '@jest/globals';
import { type StageName, stageNames } from '../../infra/config.ts';
import { policyOf } from '../../shared/admission/policy-in-force.ts';
import { resourcesOf, synthesise, templatesOf, valuesUnder } from './template.ts';

const synthesiseWith = (policy: unknown, stage: StageName = 'prod') =>
  synthesise(stage, { context: { policy } });

test.each(stageNames)('%s goes by the policy as it is', (stage) => {
  expect(JSON.stringify(templatesOf(stage))).not.toContain('POLICY_OVERRIDES');
});

describe('a stage that overrides two numbers', () => {
  const { app } = synthesiseWith({ prod: { grace_seconds: 90, violations_max: 50 }, dev: { lapses_max: 0 } });
  const given = valuesUnder('POLICY_OVERRIDES', app);

  test('gives them to every function that decides, and to those alone', () => {
    const withOverrides = resourcesOf(app, 'AWS::Lambda::Function')
      .filter(([, { Properties }]) => valuesUnder('POLICY_OVERRIDES', Properties).length > 0)
      .map(([id]) => id.replace(/[0-9A-F]{8}$/, ''));
    expect(withOverrides.sort()).toEqual([
      'AdmissionApi',
      'BudgetAct',
      'BudgetApi',
      'CoordinationApi',
      'DeliberationApi',
      'Sweep',
    ]);
  });

  test('has functions that start with these and leave the rest as it is', () => {
    expect(given).toHaveLength(6);
    for (const POLICY_OVERRIDES of given) {
      expect(policyOf({ POLICY_OVERRIDES: String(POLICY_OVERRIDES) })).toMatchObject({
        grace_seconds: 90,
        violations_max: 50,
        lapses_max: 3,
        version: expect.stringMatching(/\+[0-9a-f]{12}$/),
      });
    }
  });
});

test.each([
  [{ prod: { speed: 1 } }, 'policy of stage prod: speed is not one of burst_share, violations_max,'],
  [
    { prod: { grace_seconds: '90' } },
    'policy of stage prod: grace_seconds must be a whole number from 1 to 3600',
  ],
  [
    { prod: { lease_seconds: 5 } },
    'policy of stage prod: lease_seconds must be a whole number from 10 to 86400',
  ],
  [{ prod: { pass_depth: 0.1 } }, 'policy of stage prod: reject_depth must not be above pass_depth'],
  [{ prod: null }, 'policy of stage prod: must be an object of numbers by name'],
  [{ dev: { grace_seconds: 0 } }, 'policy of stage dev: grace_seconds must be'],
  [{ production: {} }, 'policy: unknown stage production: use local, dev, staging, prod'],
  [[], 'policy: must be an object of overrides by stage'],
  ['{}', 'policy: must be an object of overrides by stage'],
])('the policy %j is refused at synthesis', (policy, message) => {
  expect(() => synthesiseWith(policy)).toThrow(message);
});
