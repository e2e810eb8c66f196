/** `npm run calibrate`: thresholds of a verdict out of labelled scores (D6). */

import { writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import type { Policy } from '../shared/admission/policy.ts';
import { policyInForce } from '../shared/admission/policy-in-force.ts';
import { storedPolicyOf, tenantPolicy } from '../shared/admission/tenant-policy.ts';
import { calibrate } from '../shared/deliberation/calibration.ts';
import { thresholdsOf, type VerdictThresholds } from '../shared/deliberation/verdict.ts';
import { readLabelled } from './calibrate/lines.ts';
import { pageOf } from './calibrate/page.ts';
import { curlOf, stagePolicyOf, tableOf, tenantPolicyOf } from './calibrate/words.ts';
import { progress } from './lines.ts';

const falseReject_default = 0.02;
const falsePass_default = 0.1;

const help = `Usage: npm run calibrate -- FILE.jsonl[.gz] [--labels FILE] [targets] [--report FILE.html] [--json]

Proposes the thresholds of a verdict, floors of a pass and of a reject for the overall score and each axis, out of texts
that are known to be sound or bad, and says how often they are wrong, with 95 % confidence intervals, beside those in force.

Input line:  {"id"?, "set"?, "label", "depth", "coherence", "relevance", "overall"?}, as npm run score writes them, with a
             label: 1 or true for a sound text, 0 or false for a bad one. In its place may stand "variant", of which
             "orig" is sound and all others are bad. Other fields are ignored.
             {"id"?, "set"?, "label", "goal"?, "text"}: a text, scored here by the built-in scorer.
  --labels FILE.jsonl[.gz]    takes the labels from lines {"id", "set"?, "label" or "variant"} of this file, by set and id

Targets:
  --max-false-reject SHARE    of the sound texts at most so many are rejected (default: ${falseReject_default})
  --max-false-pass SHARE      of the bad texts at most so many pass (default: ${falsePass_default})

Output:
  --in-force JSON             the tenant's own thresholds to compare with, as "policy" or "policyInForce" of
                              GET /v1/tenants/{tenantId}/quotas shows them (default: those of the stage)
  --tenant ID                 for the call that is printed (default: TENANT)
  --report FILE.html          writes a page with pictures, complete in one file
  --json                      one JSON document on standard output (default: a table)
  --help                      this text

The thresholds are found by climbing on the given texts; the column of texts not seen says what to expect of others.
Exits 1 when a file, a line or an option cannot be read, or when there are no sound or no bad texts.
`;

function shareOf(option: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const share = text.trim() === '' ? Number.NaN : Number(text);
  if (!(share >= 0 && share <= 1)) throw new Error(`--${option}: must be a number from 0 to 1, not ${text}.`);
  return share;
}

/** What of it concerns the verdict, laid over the stage's; the other numbers of a policy may stand there too. */
function inForceOf(text: string | undefined, stage: Policy): VerdictThresholds {
  if (text === undefined) return thresholdsOf(stage);
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    throw new Error('--in-force: is not JSON.');
  }
  const checked = tenantPolicy.safeParse(given);
  if (!checked.success) {
    const wrong = checked.error.issues.map(({ path, message }) => `${path.join('.') || 'it'}: ${message}`);
    throw new Error(`--in-force: ${wrong.join('; ')}.`);
  }
  const own = Object.entries(storedPolicyOf(checked.data)).filter(([, value]) => typeof value === 'number');
  return thresholdsOf({ ...stage, ...Object.fromEntries(own) });
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      labels: { type: 'string' },
      'max-false-reject': { type: 'string' },
      'max-false-pass': { type: 'string' },
      'in-force': { type: 'string' },
      tenant: { type: 'string', default: 'TENANT' },
      report: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return;
  }
  const [path, ...more] = positionals;
  if (path === undefined || more.length > 0) throw new Error(`Name one file.\n\n${help}`);
  const targets = {
    falseReject_max: shareOf('max-false-reject', values['max-false-reject'], falseReject_default),
    falsePass_max: shareOf('max-false-pass', values['max-false-pass'], falsePass_default),
  };
  const stage = policyInForce();
  const inForce = inForceOf(values['in-force'], stage);
  const labelled = await readLabelled(path, values.labels ?? null, progress('lines'));
  const { scores, withoutLabel, withoutScore } = labelled;
  const calibration = calibrate(scores, targets, inForce);
  if (values.report !== undefined) {
    await writeFile(values.report, pageOf(basename(path), scores, calibration));
  }
  if (values.json) {
    const policy = tenantPolicyOf(calibration.proposed, stage);
    const document = {
      file: basename(path),
      ...{ lines: scores.length, withoutLabel, withoutScore },
      ...calibration,
      ...{ policy, stagePolicy: stagePolicyOf(calibration.proposed), curl: curlOf(values.tenant, policy) },
    };
    process.stdout.write(`${JSON.stringify(document)}\n`);
  } else {
    process.stdout.write(tableOf(calibration, labelled, values.tenant, stage));
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
