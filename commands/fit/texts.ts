/** The sound texts of the development sets, and which of these may be fitted. */

import type { SoundText } from './damage.ts';
import type { LabelledText } from './dev-sets.ts';

/**
 * Sets with damaged reasoning that may be fitted: MIT and Apache-2.0. Sets without a stated licence or for
 * non-commercial use (perturb-fbi, fbi, nli-sick, nli-anli, cohesentia, trecqa and others) are measured only.
 */
export const damagedSets: readonly string[] = [
  'perturb-agent-react',
  'perturb-agent-whowhen',
  'perturb-entbank',
  'perturb-gsm8k',
  'perturb-prm800k',
];
/** Further sound texts: PRMBench's originals (Apache-2.0) and the few of SWE-agent (MIT). */
export const furtherSets: readonly string[] = ['perturb-agent-swe', 'prmbench'];

/** The sound lines of a set, the first of each group, at most `texts_max`. */
export function soundLines(texts: readonly LabelledText[], texts_max: number): LabelledText[] {
  const groups = new Set<string>();
  return texts.filter(({ group, variant }) => {
    if (variant !== 'orig' || groups.has(group) || groups.size === texts_max) return false;
    groups.add(group);
    return true;
  });
}

/** The same as steps. */
export const soundTexts = (texts: readonly LabelledText[], texts_max: number): SoundText[] =>
  soundLines(texts, texts_max).map(({ set, goal, text }) => ({
    source: set,
    goal,
    steps: text.split('\n').filter((step) => step.trim() !== ''),
  }));
