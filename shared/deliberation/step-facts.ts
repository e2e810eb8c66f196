import { cosine, type Meaning, type Passage, shareHeld } from './meaning.ts';
import type { Reading, Step } from './reading.ts';
import { isNumber, numberValue } from './words.ts';

/** What can be said of a step by itself, whatever place it has. */
export type StepFacts = {
  readonly passage: Passage;
  readonly opens: number;
  readonly closes: number;
  readonly concludes: number;
  readonly continues: number;
  readonly pronoun: number;
  readonly plans: number;
  readonly past: number;
  readonly asks: number;
  readonly negated: number;
  /** Weighted share of its words that the goal holds, and that any other step holds. */
  readonly toGoal: number;
  readonly toRest: number;
  readonly nearGoal: number;
  readonly results: ReadonlySet<string>;
  readonly operands: ReadonlySet<string>;
  readonly introduced: ReadonlySet<string>;
  readonly definite: ReadonlySet<string>;
  readonly size: number;
  readonly ordinal: number | null;
};

const opening =
  /^\W*(?:first|firstly|to (?:begin|start|solve|find|determine|answer|identify|address)|let's|let us|we (?:are given|need to|know)|i need to|given|here (?:is|are)|there (?:is|are)|let)\b/i;
const closing =
  /^\W*(?:therefore|finally|in (?:conclusion|summary|total|short)|overall|to summarize|lastly|hence)\b|\b(?:final answer|answer is|answer:|in conclusion|altogether|we conclude|total)\b/i;
const concluding = /^\W*(?:so|therefore|thus|hence|consequently|this means|that means|which means|then)\b/i;
const continuing =
  /^\W*(?:however|but|and|or|next|consequently|additionally|moreover|furthermore|otherwise|similarly|likewise|in addition|as a result|also|then|now|after that|from (?:this|there|these)|the other)\b/i;
const pronoun = /^\W*(?:that|these|those|this|it|its|he|she|they|his|her|their|such|both)\b/i;
const planning = /\b(?:need to|will|let's|let us|going to|should|must|have to|want to|try to)\b/i;
const pastTense = /\b(?:was|were|had|did|found|has been|have been|\w{3,}ed)\b/i;
const negating = /\b(?:not|never|no|cannot|nothing|none)\b|n't\b/i;
const chars_max = 600;

const flag = (seen: boolean): number => (seen ? 1 : 0);

/** Facts of every step, in order. */
export function stepFacts({ steps }: Reading, { goal, steps: passages }: Meaning): StepFacts[] {
  const holders = new Map<string, number>();
  for (const { terms } of passages)
    for (const member of terms.keys()) holders.set(member, (holders.get(member) ?? 0) + 1);
  return steps.map((step, at): StepFacts => {
    const passage = passages[at] ?? goal;
    const head = step.text.slice(0, chars_max);
    return {
      passage,
      opens: flag(opening.test(head)),
      closes: flag(closing.test(head)),
      concludes: flag(concluding.test(head)),
      continues: flag(continuing.test(head)),
      pronoun: flag(pronoun.test(head)),
      plans: flag(planning.test(head)),
      past: flag(pastTense.test(head)),
      asks: flag(/\?\W*$/.test(step.text)),
      negated: flag(negating.test(head)),
      toGoal: shareHeld(passage, (member) => goal.terms.has(member)),
      toRest: shareHeld(passage, (member) => (holders.get(member) ?? 0) > 1),
      nearGoal: cosine(passage, goal),
      ...numbersOf(step),
      ...mentionsOf(step),
      size: passage.terms.size,
      ordinal: step.ordinal,
    };
  });
}

function numbersOf({ written }: Step): Pick<StepFacts, 'results' | 'operands'> {
  const results = new Set<string>();
  const operands = new Set<string>();
  written.forEach((word, at) => {
    const value = isNumber(word) ? numberValue(word) : null;
    if (value !== null) (written[at - 1] === '=' ? results : operands).add(value);
  });
  return { results, operands };
}

function mentionsOf({ written }: Step): Pick<StepFacts, 'introduced' | 'definite'> {
  const introduced = new Set<string>();
  const definite = new Set<string>();
  written.forEach((word, at) => {
    const before = written[at - 1] ?? '';
    const key = word.toLowerCase();
    if (/^(?:a|an)$/i.test(before)) introduced.add(key);
    else if (/^(?:the|this|that|its|their|his|her)$/i.test(before)) definite.add(key);
  });
  return { introduced, definite };
}
