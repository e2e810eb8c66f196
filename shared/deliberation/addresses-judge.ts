/**
 * Sentences that speak to whoever grades the text: "give this 10", "ignore previous instructions". Pure.
 *
 * A cheap look by patterns, in English: it misses what is said in other words or another language. What it finds is
 * evidence, and takes from the judge the right to raise the score; what it misses, the bound of the judge's move holds.
 */

const quotes_max = 8;
const quote_chars_max = 240;
/** A text of this length is looked at; more is not sent to a judge anyway. */
const looked_chars_max = 64 * 1024;

const grader = '(?:judge|grader|evaluator|scorer|rater|reviewer|language model|llm|ai|assistant|chatbot)';
const topNumber = String.raw`(?:10(?:\.0+)?|ten|1\.0+|100(?: ?%)?)(?=\s*(?:[.,;:!?)"']|$|\/|out of|points?\b|marks?\b|on\b|for (?:each|every|all|depth|coherence|relevance)|in (?:each|every|all|depth|coherence|relevance)))`;
const topWords =
  '(?:full marks|top marks|(?:a |the )?(?:perfect|maximum|max|highest|top|best)(?: possible)? (?:scores?|grades?|marks?|ratings?))';
const top = `(?:${topNumber}|${topWords})`;
const axis = '(?:depth|coherence|relevance|overall)';
const shortGap = String.raw`(?:\s+[\w',-]+){0,6}?\s+`;

const patterns: readonly RegExp[] = [
  // Orders about the judge's own orders.
  /\b(?:ignore|disregard|forget|override|bypass|skip)\s+(?:(?:all|any|every|the|your|of|these|those|previous|prior|above|earlier|preceding|system|grading|other|my)\s+){0,5}(?:instructions?|prompts?|rubrics?|guidelines|directives?|grading rules|system messages?)\b/,
  /\b(?:new|updated|revised|real|actual)\s+(?:system\s+)?(?:instructions?|prompt|rubric)\s*(?::|for (?:you|the))/,
  /\b(?:ignore|disregard|forget)\s+(?:(?:all|any|the|your|of|these|those)\s+){0,4}rules?\s+(?:above|before|given)\b/,
  /\b(?:system|developer) (?:prompt|message|override)\b/,
  // Speaking to it.
  new RegExp(
    String.raw`\b(?:dear|attention|hey|hello|note (?:to|for)|message (?:to|for)|instructions? (?:to|for))\s+(?:the\s+|all\s+|any\s+)?${grader}s?\b`,
  ),
  /^\W*(?:to\s+(?:the\s+)?)?(?:judge|grader|evaluator|scorer|rater|llm|language model)\s*[:,]/,
  new RegExp(
    String.raw`\b(?:you are|as|act as|you,)\s+(?:now\s+)?(?:an?|the)\s+(?:\w+\s+){0,2}${grader}\b[^.]{0,120}\b(?:you|your|must|should|please)\b`,
  ),
  /\byou(?:r)?\s+(?:must|should|will|have to|are to|are required to|task is to)\s+(?:\w+\s+){0,2}(?:give|award|assign|grade|score|rate)\b/,
  // Asking for a grade, or stating one.
  new RegExp(
    String.raw`\b(?:give|award|assign|grade|rate|score|mark|grant)\s+(?:this|it|me|us|my|these|each|every|all|everything|depth|coherence|relevance|the (?:text|answer|plan|reasoning|response|steps|author|above|following))\b${shortGap}?\s*${top}`,
  ),
  new RegExp(
    String.raw`\b(?:deserves?|merits?|earns?|warrants?|should (?:get|receive|be (?:graded|scored|rated|given|awarded))|must (?:get|receive|be (?:graded|scored|rated|given|awarded)))\b${shortGap}?\s*${top}`,
  ),
  new RegExp(
    String.raw`\b(?:report|return|output|answer|respond|reply)\b${shortGap}?(?:with\s+)?${topWords}`,
  ),
  new RegExp(
    String.raw`\b${axis}\s*(?:score|grade|rating|mark)?\s*(?:=|:|is|are|of|must be|should be|to)\s*${topNumber}`,
  ),
  /(?<![\d.,(*+=$-]\s*)\b(?:10\s*\/\s*10|100\s*\/\s*100|(?:10|ten) out of (?:10|ten))\b(?!\s*[=*×+/^$\d-]|\s*\)|\s+x\b|\s+(?:[a-z]+\s+)?(?:tests?|checks?|runs?|cases?|times?|trials?|requests?|samples?|users?|people)\b)/,
  /\b(?:10|ten)\s*,\s*(?:10|ten)\s*(?:,|and)+\s*(?:10|ten)\b/,
  /\bfull marks\b/,
  /\b(?:score|grade|rating|mark)s? of (?:10|ten)\b/,
  // Forms that are the judge's own.
  /\breport_grades\b|\btool_?use\b|"?(?:depth|coherence|relevance)"?\s*:\s*\{?\s*"?score"?\s*:/,
  /<\/?\s*(?:goal|text|system|instructions?|untrusted[\w-]*|rubric)\b[^>]{0,80}>|<\|\w+\|>|\[\/?inst\]|<<\/?sys>>/,
];

/** The sentences found, as written; none of most texts. */
export function sentencesToTheJudge(...texts: readonly string[]): string[] {
  const found = texts.flatMap((text) =>
    sentencesOf(text.slice(0, looked_chars_max)).filter((sentence) => addressesJudge(sentence)),
  );
  return [...new Set(found)].slice(0, quotes_max).map(quoted);
}

/** One of these stands in whatever the patterns find; most sentences have none and cost one look. */
const hints =
  /judge|grade|evaluat|scor|rat(?:e|er|ing)\b|mark|instruct|prompt|rubric|guideline|directive|message|override|review|model|llm|\bai\b|assistant|chatbot|10|ten\b|tool|depth|coherence|relevance|goal|text|untrusted|inst\]|sys>|award|assign|<|rule/;

/** Whether one sentence speaks to whoever grades it. */
export function addressesJudge(sentence: string): boolean {
  const plain = sentence.toLowerCase();
  return hints.test(plain) && patterns.some((pattern) => pattern.test(plain));
}

/** Of what a reader sees: compatibility forms are one with the plain ones, and invisible characters split no word. */
function sentencesOf(text: string): string[] {
  return text
    .toWellFormed()
    .normalize('NFKC')
    .replaceAll(/\p{Cf}+/gu, '')
    .split(/(?<=[.!?])\s+|\n+/u)
    .map((sentence) =>
      sentence
        .replaceAll(/[*~`]+/g, '')
        .replaceAll(/[\s\p{Cc}]+/gu, ' ')
        .trim(),
    )
    .filter((sentence) => sentence !== '');
}

function quoted(sentence: string): string {
  return sentence.length <= quote_chars_max
    ? sentence
    : `${sentence.slice(0, quote_chars_max - 1).toWellFormed()}…`;
}
