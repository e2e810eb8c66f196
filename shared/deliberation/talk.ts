import { metaWords } from './lexicon.ts';
import type { Reading, Step } from './reading.ts';
import { unit, vectors } from './vectors.ts';
import { isFunctionWord, isMeta, isNumber, stem } from './words.ts';

/** Talk about reasoning in place of reasoning: "the evidence is sound, and so the argument holds regarding rates". */
export type TalkFeatures = {
  /** How much of what the steps say beside words of the goal is such talk: the mean, the most, and the mean of the worst three. */
  readonly talkMean: number;
  readonly talkMost: number;
  readonly talkWorst: number;
  /** The most that three successive steps have in the mean, and the last three: talk is mostly appended. */
  readonly talkRun: number;
  readonly talkLast: number;
  /** What a step says of its own for each of its words: the least, and the mean of the three that say least. */
  readonly saysLeast: number;
  readonly saysLittle: number;
  /** The least that three successive steps have in the mean, and the last three. */
  readonly saysRun: number;
  readonly saysLast: number;
};

const few = 3;
/** So near to talk about reasoning is a word that nothing of it counts as subject. */
const wholly = 0.75;
/** So far from it that nothing of it counts as talk. */
const hardly = 0.25;
/** How many of the most frequent English words say nothing by themselves. */
const plain_words = 300;

let shares: Float32Array | undefined;

/** How much a word talks about reasoning, 0..1, by the nearness of its meaning to that of the words which do. */
function talkOf(word: string): number {
  if (isMeta(word)) return 1;
  const table = vectors();
  const rank = table.rankOf(word);
  if (rank < 0) return 0;
  if (rank < plain_words) return 1;
  shares ??= sharesOfTalk();
  return shares[rank] ?? 0;
}

function sharesOfTalk(): Float32Array {
  const { values, dimensions, rankOf } = vectors();
  const centre = new Float64Array(dimensions);
  for (const word of metaWords) {
    const rank = rankOf(word);
    if (rank < 0) continue;
    for (let axis = 0; axis < dimensions; axis += 1)
      centre[axis] = (centre[axis] ?? 0) + (values[rank * dimensions + axis] ?? 0) / unit;
  }
  const length = Math.hypot(...centre) || 1;
  const result = new Float32Array(values.length / dimensions);
  for (let rank = 0; rank < result.length; rank += 1) {
    let near = 0;
    for (let axis = 0; axis < dimensions; axis += 1)
      near += ((values[rank * dimensions + axis] ?? 0) * (centre[axis] ?? 0)) / unit;
    result[rank] = Math.min(1, Math.max(0, (near / length - hardly) / (wholly - hardly)));
  }
  return result;
}

type Said = { readonly talk: number; readonly says: number };

/** Of a step's content words that the goal does not hold: the share that is talk; and what is not, for each of its words. */
function saidBy({ words }: Step, goal: ReadonlyMap<string, number>): Said {
  let content = 0;
  let talk = 0;
  let says = 0;
  for (const word of words) {
    if (isNumber(word)) {
      content += 1;
      says += 1;
      continue;
    }
    if (word.length < 2 || isFunctionWord(word) || goal.has(stem(word))) continue;
    const share = talkOf(word);
    content += 1;
    talk += share;
    says += 1 - share;
  }
  return { talk: content === 0 ? 0 : talk / content, says: says / Math.max(1, words.length) };
}

const talk_share = 0.7;
const words_min = 4;

/** Whether a step only talks about reasoning: a few of a hundred steps of sound texts do ("Let's do this step by step"). */
export const isTalk = (step: Step, goal: ReadonlyMap<string, number>): boolean =>
  step.words.length >= words_min && saidBy(step, goal).talk >= talk_share;

export function measureTalk({ steps, goal }: Reading): TalkFeatures {
  const said = steps.map((step) => saidBy(step, goal.weights));
  const talk = said.map((step) => step.talk);
  const says = said.map((step) => step.says);
  const worst = talk.toSorted((left, right) => right - left).slice(0, few);
  const least = says.toSorted((left, right) => left - right).slice(0, few);
  return {
    talkMean: meanOf(talk),
    talkMost: worst[0] ?? 0,
    talkWorst: meanOf(worst),
    talkRun: Math.max(...runsOf(talk)),
    talkLast: meanOf(talk.slice(-few)),
    saysLeast: least[0] ?? 0,
    saysLittle: meanOf(least),
    saysRun: Math.min(...runsOf(says)),
    saysLast: meanOf(says.slice(-few)),
  };
}

/** The means of every three successive ones; of all when there are fewer. */
const runsOf = (values: readonly number[]): number[] =>
  Array.from({ length: Math.max(1, values.length - few + 1) }, (_, from) =>
    meanOf(values.slice(from, from + few)),
  );

const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
