import { type AboutnessFeatures, measureAboutness } from './aboutness.ts';
import { type WrongSum, wrongSums } from './arithmetic.ts';
import { type Belonging, type BelongingFeatures, measureBelonging } from './belonging.ts';
import { type Contradiction, contradictionsBetween, contradictionsWithin } from './contradiction.ts';
import { type DenialFeatures, measureDenial } from './denial.ts';
import { type Depth, measureDepth } from './depth.ts';
import { type ExtentFeatures, measureExtent } from './extent.ts';
import { measureFluency } from './fluency.ts';
import { readMeaning } from './meaning.ts';
import { measureOrder, type OrderFeatures } from './order.ts';
import { type Reading, readReasoning } from './reading.ts';
import { measureRelevance, type Relevance } from './relevance.ts';
import { measureRepetition, type RepetitionFeatures } from './repetition.ts';
import type { ScorerInput } from './scorer.ts';
import { type StepFacts, stepFacts } from './step-facts.ts';
import { splitSentences } from './steps.ts';
import {
  measureSuccession,
  pairMeans,
  type Succession,
  type SuccessionFeatures,
  type SuccessionModels,
} from './succession.ts';
import { measureTalk, type TalkFeatures } from './talk.ts';
import type { Forest } from './trees.ts';
import { cleanText } from './words.ts';

type Features = {
  readonly fluency: number;
  readonly contradiction: number;
  readonly wrongSums: number;
} & Depth['features'] &
  Relevance['features'] &
  OrderFeatures &
  AboutnessFeatures &
  BelongingFeatures &
  SuccessionFeatures &
  RepetitionFeatures &
  DenialFeatures &
  TalkFeatures &
  ExtentFeatures;

export type FeatureName = keyof Features;

/** 1: more of it never lowers a score. -1: more of it never raises one. 0: context, see `ExtentFeatures`. */
export type Sign = 1 | -1 | 0;

/** Every feature with its sign, by what it looks at; the models weigh them in this order. */
export const featureGroups = {
  language: { fluency: 1 },
  contradiction: { contradiction: -1, wrongSums: -1, deniesStated: -1, deniesPlan: -1 },
  goal: {
    recall: 1,
    precision: 1,
    touching: 1,
    numbers: 1,
    weightedRecall: 1,
    softRecall: 1,
    weightedPrecision: 1,
    softPrecision: 1,
    nearGoal: 1,
    nearGoalMean: 1,
    nearGoalLeast: 1,
    nearGoalMost: 1,
    namesGoal: 1,
    firstNearGoal: 1,
    lastNearGoal: 1,
    lastToGoal: 1,
    goalNames: 1,
    startsFromGoal: 1,
    answers: 1,
  },
  belonging: {
    connected: 1,
    weakestLink: 1,
    linkGap: -1,
    foreign: -1,
    belongsLeast: 1,
    belongsSecond: 1,
    belongsMean: 1,
    belongsTotal: 1,
  },
  order: {
    badOpening: -1,
    earlyClosing: -1,
    lateOpening: -1,
    closes: 1,
    earlyNumbers: -1,
    unknownNumbers: -1,
    looseResults: -1,
    definiteFirst: -1,
    groundedConclusions: 1,
    nearConclusions: 1,
    adjacency: 1,
    lateIntroductions: -1,
    ordinalInversions: -1,
    order: 1,
    orderNext: 1,
    orderWorst: 1,
    orderFirst: 1,
    orderLast: 1,
    orderTotal: 1,
    next: 1,
    nextWorst: 1,
    nextTotal: 1,
    nextGain: 1,
  },
  substance: { newSteps: 1, diversity: 1, concludes: 1, metaTalk: -1, filler: -1, words: 1, content: 1 },
  talk: {
    talkMean: -1,
    talkMost: -1,
    talkWorst: -1,
    talkRun: -1,
    talkLast: -1,
    saysLeast: 1,
    saysLittle: 1,
    saysRun: 1,
    saysLast: 1,
  },
  repetition: {
    exactRepeat: -1,
    duplicates: -1,
    exactRepeats: -1,
    exactLength: -1,
    exactNeighbours: -1,
    nearestTwin: -1,
    meanTwin: -1,
    newBigrams: 1,
  },
  context: {
    steps: 0,
    stepWords: 0,
    computes: 0,
    goalSize: 0,
    near: 0,
    held: 0,
    lastHeld: 0,
    lastAsks: 0,
  },
} as const satisfies Readonly<Record<string, { readonly [name in FeatureName]?: Sign }>>;

export type FeatureGroup = keyof typeof featureGroups;

const signs: readonly (readonly [string, Sign])[] = Object.values(featureGroups).flatMap((group) =>
  Object.entries(group),
);
export const featureNames: readonly string[] = signs.map(([name]) => name);
export const featureSigns: readonly Sign[] = signs.map(([, sign]) => sign);

/** More words make a text deeper; they make it neither more coherent nor more relevant. */
export const depthOnly: readonly string[] = ['newSteps', 'diversity', 'words', 'content'];

/** Models of single steps and of pairs of them, whose answers are features of the text. */
export type StepModels = SuccessionModels & { readonly belongs: Forest };

/** All that the scorer sees in a text. */
export type Measured = {
  readonly reading: Reading;
  readonly conflicts: readonly Contradiction[];
  readonly sums: readonly WrongSum[];
  readonly relevance: Relevance;
  readonly depth: Depth;
  readonly order: OrderFeatures;
  readonly belonging: Belonging;
  readonly succession: Succession;
  readonly facts: readonly StepFacts[];
  readonly features: Features;
};

/** Reads a text once and measures everything. Never throws. */
export function measure({ text, goal, premise }: ScorerInput, models: StepModels): Measured {
  const reading = readReasoning(text, goal);
  const sentences = reading.sentences.map((sentence) => sentence.text);
  const conflicts =
    premise === undefined
      ? contradictionsWithin(sentences)
      : contradictionsBetween(
          splitSentences(cleanText(premise)).map((sentence) => sentence.text),
          sentences,
        );
  const meaning = readMeaning(reading);
  const facts = stepFacts(reading, meaning);
  const relevance = measureRelevance(reading);
  const depth = measureDepth(reading);
  const order = measureOrder(reading);
  const sums = wrongSums(reading.steps);
  const belonging = measureBelonging(facts, meaning.goal, models.belongs);
  const succession = measureSuccession(facts, models);
  return {
    reading,
    facts,
    conflicts,
    sums,
    relevance,
    depth,
    order,
    belonging,
    succession,
    features: {
      fluency: measureFluency(reading),
      contradiction: conflicts[0]?.strength ?? 0,
      wrongSums: Math.min(1, sums.length),
      ...relevance.features,
      ...order,
      ...depth.features,
      ...measureAboutness(reading, meaning, facts),
      ...belonging.features,
      ...succession.features,
      ...measureRepetition(reading, facts),
      ...measureDenial(facts),
      ...measureTalk(reading),
      ...measureExtent(reading, facts, pairMeans(facts)),
    },
  };
}

/** The features in the order of `featureNames`, as the models read them. */
export function rowOf(features: Features): Float64Array {
  const byName: Readonly<Record<string, number>> = features;
  return Float64Array.from(featureNames, (name) => byName[name] ?? 0);
}
