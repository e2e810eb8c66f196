/**
 * Sentences that sound like reasoning and say nothing, put together anew each time: the development sets stuff texts with six
 * sentences, and a fit that had seen only these would know them by heart and no others.
 */

import type { Random } from './damage.ts';

const openings = `|Clearly, |In essence, |Broadly speaking, |At its core, |Having said that, |By contrast, |On balance, |Building on this, |
With that in mind, |From a practical standpoint, |More specifically, |Upon reflection, |In any event, |Ultimately, |To put it differently, |
As noted before, |Because of this, |That is why |Even so, |It turns out that |One could say that |Naturally, |Seen this way, |Similarly, |So `;
const bodies = `the argument leads to a justified outcome|careful thought shows why the answer makes sense|
several possibilities deserve weighing before a decision|one can infer that the assumption is reasonable|the pros and cons balance out|
it would be wise to double-check each claim|the facts agree with what was supposed|this naturally brings us to the next stage|
there are good grounds for this belief|the method has strengths as well as weaknesses|an objection could be raised, yet it does not hold|
everything fits together in a coherent whole|the reason is simple and the effect follows|we have verified what had to be shown|
a different route might have been chosen|this confirms the earlier expectation|such a choice carries some uncertainty|
the underlying cause becomes apparent|we should remain critical and think it through|the finding does not depend on chance|
it makes sense to break the matter into parts|this step justifies the one after it|the result stands up to scrutiny|
more information would only strengthen the case|it is a question of priorities and constraints|in principle nothing speaks against it|
the analysis has been done with great care|all criteria have been met in full|the trade-offs are well understood|
a closer examination reveals a deeper structure|what matters most has been taken into account|the inference is valid on every reading|
both sides of the debate have merit|this insight is crucial for what comes next|the interpretation is consistent throughout|
the hypothesis explains the observations|nothing essential has been left out|we may reason by analogy here|the implications are far-reaching`;
const reasons = `since the evidence supports this reasoning|so the conclusion follows logically|because the argument is consistent|
which justifies the assumption|and the risk has been considered|given a careful evaluation of the options|as the analysis clearly shows|
hence the approach remains appropriate|thus the explanation is thorough and valid|provided the premise is true|
unless the counterargument proves stronger|therefore we can reasonably infer the main point|but an alternative view must be examined|
which demonstrates a deep understanding of the problem|and this perspective is both relevant and important|if the thought is followed through|
because every aspect was analyzed in detail|so the statement is evidently correct|and further verification confirms the claim|
while the overall strategy is clear`;
const tails = `| regarding A and B| with regard to A and B| as far as A and B are concerned| for A and B| about A and B| when we look at A and B|
 in the matter of A and B| given A and B| on the subject of A and B| in view of A| where A meets B| as A shows| with A in mind`;

const phrases = (text: string): string[] => text.replaceAll('\n', '').split('|');
const [beginnings, middles, causes, ends] = [openings, bodies, reasons, tails].map(phrases) as [
  string[],
  string[],
  string[],
  string[],
];
/** How often a sentence has a reason, and how often two of them instead of a body. */
const reasoned_share = 0.5;
const twice_reasoned_share = 0.4;

/** A sentence around words of the goal. */
export function fillerAbout(goal: string, random: Random): string {
  const words = goal.match(/\p{L}{4,}/gu) ?? ['it'];
  const pick = (list: readonly string[]): string => list[Math.floor(random() * list.length)] ?? '';
  const chance = random();
  const middle =
    chance < twice_reasoned_share
      ? `${pick(causes)}, ${pick(causes)}`
      : chance < twice_reasoned_share + reasoned_share
        ? `${pick(middles)}, ${pick(causes)}`
        : pick(middles);
  const sentence = `${pick(beginnings)}${middle}${pick(ends)}`
    .replace(/\bA\b/, pick(words).toLowerCase())
    .replace(/\bB\b/, pick(words).toLowerCase());
  return `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.`;
}
