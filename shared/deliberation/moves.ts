import type { Step } from './reading.ts';

/** What a step does for the reasoning besides stating something. */
export type Move =
  | 'cause'
  | 'contrast'
  | 'alternative'
  | 'evidence'
  | 'risk'
  | 'check'
  | 'conclusion'
  | 'plan';

const cues: Readonly<Record<Move, RegExp>> = {
  cause:
    /\b(?:because|since|due to|as a result|so that|which means|means that|leads? to|caus(?:e|es|ed|ing)|in order to|if\b.*\bthen)\b/i,
  contrast:
    /\b(?:but|however|although|though|whereas|while|instead|rather than|on the other hand|despite|yet|unlike|except)\b/i,
  alternative:
    /\b(?:alternatively|alternatives?|another (?:way|option|approach)|other options?|or (?:else|we could)|options? (?:is|are|would)|either|could also|trade-?offs?|compared (?:to|with)|instead of)\b/i,
  evidence:
    /\b(?:for example|for instance|according to|e\.g|evidence|data|measured?|observ\w+|results?|shows?|showed|shown|study|studies|report\w*|found|based on|source|log|documentation|mentions?|states?|indicates?)\b|\d/i,
  risk: /\b(?:risks?|risky|danger\w*|fail(?:s|ed|ure|ures)?|problem|unfortunately|may not|might not|break(?:s|ing)?|edge case|worst case|concern|limitation|caveat|vulnerab\w+|downside|error|unsafe|rollback)\b/i,
  check:
    /\b(?:check\w*|verif\w+|test(?:s|ed|ing)?|confirm\w*|double-check|make sure|ensure\w*|validat\w+|compare|review)\b/i,
  conclusion:
    /^\W*(?:so|therefore|thus|hence|consequently|finally|overall|in (?:conclusion|summary|short)|to (?:conclude|summarize|sum up))\b|\b(?:(?:final )?answer is|we conclude|in conclusion|this means|recommend\w*|decid(?:e|ed)|choose|the (?:result|solution|total) is)\b/i,
  plan: /\b(?:need to|let's|let us|will|going to|first|next|should|plan to)\b/i,
};
const names = Object.keys(cues).filter((name): name is Move => name in cues);
const step_chars_max = 2000;

/** Moves of a step by its cue words. A cue proves nothing alone; depth counts it only beside new content. */
export function movesOf(step: Step): Move[] {
  const text = step.text.slice(0, step_chars_max);
  return names.filter((name) => cues[name].test(text));
}
