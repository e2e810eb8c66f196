/** What a calibration found, for a terminal, and the numbers in the forms in which they are set. */

import type { Policy } from '../../shared/admission/policy.ts';
import { mergedPolicyOf } from '../../shared/admission/tenant-policy.ts';
import { type Calibration, percent, type Rate, type Rates } from '../../shared/deliberation/calibration.ts';
import { dimensions, type VerdictThresholds } from '../../shared/deliberation/verdict.ts';
import type { Labelled } from './lines.ts';

/** What is measured, in the order in which it is shown. */
export const rateNames: readonly (readonly [name: keyof Rates, words: string])[] = [
  ['soundRejected', 'sound texts rejected (false positives of a reject)'],
  ['soundNotPassed', 'sound texts not passed'],
  ['badPassed', 'bad texts passed (false negatives)'],
  ['badNotRejected', 'bad texts not rejected'],
];

/** The floors by the names of a tenant's `policy` in `PUT /v1/tenants/{tenantId}/quotas`. */
export function tenantPolicyOf(
  thresholds: VerdictThresholds,
  stage: Policy,
): Readonly<Record<string, number>> {
  const merged = Object.entries(mergedPolicyOf(thresholds, stage));
  return Object.fromEntries(merged.filter(([name]) => /^(pass|reject)[A-Z]/.test(name)));
}

/** The same by the names of the policy, for a stage in `cdk.json`. */
export function stagePolicyOf(thresholds: VerdictThresholds): Readonly<Record<string, number>> {
  const { thinking_tokens_max: _, ...floors } = thresholds;
  return floors;
}

export function curlOf(tenantId: string, policy: Readonly<Record<string, number>>): string {
  return `curl -X PUT "$MOTHERSHIP_URL/v1/tenants/${tenantId}/quotas" -H "Authorization: Bearer $MOTHERSHIP_OPERATOR_KEY" -H 'Content-Type: application/json' -d '${JSON.stringify({ policy })}'`;
}

export function rateText({ share, low, high }: Rate): string {
  return `${percent(share)} (${percent(low)} to ${percent(high)})`;
}

export function tableOf(
  calibration: Calibration,
  { withoutLabel, withoutScore }: Labelled,
  tenantId: string,
  stage: Policy,
): string {
  const { sound, bad, targets, proposed, inForce, rates, areas, warnings } = calibration;
  const unmatched =
    withoutLabel + withoutScore === 0
      ? ''
      : `; ${withoutLabel} lines without a label and ${withoutScore} labels without a line were left out`;
  const floor = (kind: 'pass' | 'reject') =>
    dimensions.map((of) => [
      `  ${kind === 'pass' ? 'pass from' : 'reject below'}`,
      of,
      String(proposed[`${kind}_${of}`]),
      String(inForce[`${kind}_${of}`]),
      kind === 'pass' ? areas[of].toFixed(3) : '',
    ]);
  const policy = tenantPolicyOf(proposed, stage);
  return [
    `${sound + bad} labelled texts: ${sound} sound, ${bad} bad${unmatched}.`,
    `Targets: at most ${percent(targets.falseReject_max)} of the sound rejected, at most ${percent(targets.falsePass_max)} of the bad passed.`,
    '',
    ...aligned([['  verdict', 'of', 'proposed', 'in force', 'AUC'], ...floor('pass'), ...floor('reject')]),
    '',
    ...aligned([
      ['  share (95 % confidence)', 'proposed', 'on texts not seen', 'in force'],
      ...rateNames.map(([name, words]) => [
        `  ${words}`,
        rateText(rates.proposed[name]),
        rateText(rates.crossChecked[name]),
        rateText(rates.inForce[name]),
      ]),
    ]),
    '',
    ...warnings.map((warning) => `Warning: ${warning}`),
    ...(warnings.length === 0 ? [] : ['']),
    'For a tenant, the policy object and the call that sets it:',
    JSON.stringify({ policy }),
    curlOf(tenantId, policy),
    '',
    'For a stage, its entry under "policy" in cdk.json:',
    JSON.stringify(stagePolicyOf(proposed)),
    '',
  ].join('\n');
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
