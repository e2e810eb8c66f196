/** Thresholds out of labelled scores (D6), on tables small enough to count by hand, and against all cut points there are. */

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  areaOf,
  calibrate,
  type Floors,
  type LabelledScore,
  passFloors,
  rateOf,
  ratesOf,
  rejectFloors,
} from '../../shared/deliberation/calibration.ts';
import { dimensions, type VerdictThresholds, verdictOf } from '../../shared/deliberation/verdict.ts';

/** All four numbers alike: one axis is enough to count on. */
const even = (isSound: boolean, ...values: number[]): LabelledScore[] =>
  values.map((value) => ({ isSound, overall: value, depth: value, coherence: value, relevance: value }));
const none: Floors = { overall: 0, depth: 0, coherence: 0, relevance: 0 };

const table = [...even(true, 0.9, 0.8, 0.7, 0.6, 0.3), ...even(false, 0.5, 0.4, 0.3, 0.2, 0.1)];
const tenths = 10;

describe('floors, counted by hand', () => {
  test.each([
    // No sound text may go: 0.3 is the highest floor, and rejects 0.2 and 0.1.
    ['none of five may be lost', 0, 0.3],
    ['a share that is less than one of five is none', 0.19, 0.3],
    // The one at 0.3 may go: from 0.6 on no bad text is left, and a higher floor would reject no more of them.
    ['one of five may be lost', 0.2, 0.6],
    ['all may be lost, and none more than helps', 1, 0.6],
  ])('of a reject: %s', (_, falseReject_max, floor) => {
    expect(rejectFloors(table, falseReject_max, tenths)).toEqual({ ...none, overall: floor });
  });

  test.each([
    ['no bad text may pass: four of five sound ones do from 0.6 on', 0, 0.6],
    // Two may, and from 0.4 on they would, but it would let no more sound ones in than 0.6.
    ['two of five may: no sound one more for it', 0.4, 0.6],
    ['three of five may: the sound one at 0.3 passes too', 0.6, 0.3],
  ])('of a pass: %s', (_, falsePass_max, floor) => {
    expect(passFloors(table, falsePass_max, none, tenths)).toEqual({ ...none, overall: floor });
  });

  test('a pass floor is nowhere below the reject floor', () => {
    expect(passFloors(table, 1, { ...none, overall: 0.8, depth: 0.2 }, tenths)).toEqual({
      ...none,
      overall: 0.8,
      depth: 0.2,
    });
  });

  test('each axis gets a floor where the overall score hides what it sees', () => {
    const of = (isSound: boolean, depth: number, coherence: number, relevance: number) =>
      ({ isSound, overall: 0.7, depth, coherence, relevance }) as const;
    const scores = [
      of(true, 0.5, 0.9, 0.9),
      of(true, 0.9, 0.5, 0.9),
      of(true, 0.9, 0.9, 0.5),
      of(false, 0.9, 0.1, 0.9),
      of(false, 0.9, 0.9, 0.1),
    ];
    expect(rejectFloors(scores, 0, tenths)).toEqual({ ...none, coherence: 0.2, relevance: 0.2 });
    expect(passFloors(scores, 0, none, tenths)).toEqual({ ...none, coherence: 0.2, relevance: 0.2 });
  });

  test('where no floor meets the target, the strictest is proposed and the warning says so', () => {
    const scores = [...even(true, 0.9, 0.8), ...even(false, 1, 0.1)];
    expect(passFloors(scores, 0)).toEqual({ overall: 1, depth: 1, coherence: 1, relevance: 1 });
    const { warnings } = calibrate(scores, { falseReject_max: 0, falsePass_max: 0 }, ofTheRule);
    expect(warnings.join(' ')).toContain('The target cannot be met: bad texts that pass are 50 %');
  });

  test('a score at its floor is kept, whatever it is in binary', () => {
    for (const value of [0.6, 0.29, 0.57, 0.58, 0.7, 0.001, 0.999]) {
      const floors = rejectFloors([...even(true, value), ...even(false, value - 0.001)], 0);
      expect(floors.overall).toBe(value);
    }
  });
});

const ofTheRule: VerdictThresholds = {
  ...{ pass_overall: 0.6, pass_depth: 0.6, pass_coherence: 0.6, pass_relevance: 0.6 },
  ...{ reject_overall: 0.4, reject_depth: 0.2, reject_coherence: 0.2, reject_relevance: 0.2 },
  thinking_tokens_max: 2000,
};

describe('rates', () => {
  test.each([
    // Wilson's interval with 1.96: (0.1 + 0.19207 ± 1.96 * sqrt(0.009 + 0.0096)) / 1.38415, and so on.
    [1, 10, 0.1, 0.0179, 0.4042],
    [0, 10, 0, 0, 0.2775],
    [10, 10, 1, 0.7225, 1],
    [50, 100, 0.5, 0.4038, 0.5962],
  ])('%d of %d', (count, of, share, low, high) => {
    const rate = rateOf(count, of);
    expect(rate).toMatchObject({ count, of, share });
    expect(rate.low).toBeCloseTo(low, 4);
    expect(rate.high).toBeCloseTo(high, 4);
  });

  test('of none nothing is known', () => {
    expect(rateOf(0, 0)).toEqual({ count: 0, of: 0, share: 0, low: 0, high: 1 });
  });

  test('by the rule, of ten texts counted by hand', () => {
    const { soundRejected, soundNotPassed, badPassed, badNotRejected } = ratesOf(table, ofTheRule);
    // Sound: 0.9 to 0.6 pass, 0.3 is rejected. Bad: 0.5 and 0.4 go to review, the rest is rejected.
    expect(
      [soundRejected, soundNotPassed, badPassed, badNotRejected].map(({ count, of }) => [count, of]),
    ).toEqual([
      [1, 5],
      [1, 5],
      [0, 5],
      [2, 5],
    ]);
  });

  test('the area: 0.8 above both bad ones, 0.5 level with one and above the other: 3.5 of 4', () => {
    expect(areaOf([...even(true, 0.8, 0.5), ...even(false, 0.5, 0.2)], 'depth')).toBe(0.875);
    expect(areaOf([...even(true, 0.5), ...even(false, 0.5)], 'overall')).toBe(0.5);
  });
});

describe('a whole calibration', () => {
  const targets = { falseReject_max: 0, falsePass_max: 0 };

  test('proposes, counts, and compares with what is in force', () => {
    const calibration = calibrate(table, targets, { ...ofTheRule, thinking_tokens_max: 7 });
    expect(calibration).toMatchObject({
      sound: 5,
      bad: 5,
      // In thousandths: just above the bad 0.2, and just above the bad 0.5.
      proposed: {
        reject_overall: 0.201,
        reject_depth: 0,
        pass_overall: 0.501,
        pass_depth: 0,
        thinking_tokens_max: 7,
      },
      rates: {
        proposed: {
          soundRejected: { count: 0 },
          soundNotPassed: { count: 1 },
          badPassed: { count: 0 },
          badNotRejected: { count: 3 },
        },
        inForce: { soundRejected: { count: 1 }, badNotRejected: { count: 2 } },
        crossChecked: { soundRejected: { of: 5 }, badPassed: { of: 5 } },
      },
    });
  });

  test('texts not seen: each fifth is tried by what the others propose', () => {
    // Without the sound 0.3 the floor of a reject rises above it, so that it is rejected when its turn comes, and it alone.
    const { rates } = calibrate(table, targets, ofTheRule);
    expect(rates.crossChecked.soundRejected).toMatchObject({ count: 1, of: 5 });
  });

  test('says when there are too few texts, by the target: 3 / 0.01 sound ones, a hundred bad ones', () => {
    const many = (isSound: boolean, count: number) =>
      even(isSound, ...Array.from({ length: count }, () => (isSound ? 0.9 : 0.1)));
    const warningsOf = (sound: number, bad: number) =>
      calibrate(
        [...many(true, sound), ...many(false, bad)],
        { falseReject_max: 0.01, falsePass_max: 0.1 },
        ofTheRule,
      ).warnings.filter((warning) => warning.startsWith('Too few'));
    expect(warningsOf(299, 99)).toEqual([
      'Too few sound texts: 299, and at least 300 are needed for a rate of 1 %.',
      'Too few bad texts: 99, and at least 100 are needed for a rate of 10 %.',
    ]);
    expect(warningsOf(300, 100)).toEqual([]);
  });

  test.each([
    ['sound', even(false, 0.1)],
    ['bad', even(true, 0.9)],
  ])('without %s texts there is nothing to tell apart', (_, scores) => {
    expect(() => calibrate(scores, targets, ofTheRule)).toThrow('Sound and bad texts are needed');
  });
});

describe('against all cut points', () => {
  const steps = 4;
  const cuts = Array.from({ length: steps + 1 }, (_, step) => step / steps);
  const value = fc.integer({ min: 0, max: 8 }).map((eighths) => eighths / 8);
  const scoreOf = fc.record({
    isSound: fc.boolean(),
    overall: value,
    depth: value,
    coherence: value,
    relevance: value,
  });
  const tables = fc.array(scoreOf, { minLength: 1, maxLength: 14 });
  const limit = fc.constantFrom(0, 0.1, 0.25, 0.5);

  type Counts = { readonly sound: number; readonly bad: number };
  /** Counted with the verdict itself: what these floors do not keep is rejected. */
  const keptBy = (scores: readonly LabelledScore[], floors: Floors): Counts => {
    const thresholds: VerdictThresholds = {
      ...{ pass_overall: 1, pass_depth: 1, pass_coherence: 1, pass_relevance: 1 },
      ...{ reject_overall: floors.overall, reject_depth: floors.depth },
      ...{ reject_coherence: floors.coherence, reject_relevance: floors.relevance, thinking_tokens_max: 1 },
    };
    const kept = scores.filter((score) => verdictOf(score, 0, thresholds) !== 'reject');
    const sound = kept.filter(({ isSound }) => isSound).length;
    return { sound, bad: kept.length - sound };
  };
  const every = cuts.flatMap((overall) =>
    cuts.flatMap((depth) =>
      cuts.flatMap((coherence) => cuts.map((relevance) => ({ overall, depth, coherence, relevance }))),
    ),
  );
  const sidesteps = (floors: Floors): Floors[] =>
    dimensions.flatMap((name) => cuts.map((cut) => ({ ...floors, [name]: cut })));

  /** Bad texts kept by the best of the floors that lose no more sound ones than allowed. */
  const leastBad = (scores: readonly LabelledScore[], share: number, among: readonly Floors[]): number => {
    const sound = scores.filter(({ isSound }) => isSound).length;
    const allowed = among
      .map((floors) => keptBy(scores, floors))
      .filter((kept) => sound - kept.sound <= share * sound);
    return Math.min(...allowed.map(({ bad }) => bad));
  };
  /** Sound texts kept by the best of the floors that keep no more bad ones than allowed; none when no floors do. */
  const mostSound = (scores: readonly LabelledScore[], share: number, among: readonly Floors[]): number => {
    const bad = scores.filter(({ isSound }) => !isSound).length;
    const allowed = among.map((floors) => keptBy(scores, floors)).filter((kept) => kept.bad <= share * bad);
    return Math.max(-1, ...allowed.map(({ sound }) => sound));
  };

  test('floors meet their target, and moving any one of them helps nothing', () => {
    fc.assert(
      fc.property(tables, limit, (scores, share) => {
        const reject = rejectFloors(scores, share, steps);
        expect(leastBad(scores, share, [reject])).toBe(leastBad(scores, share, sidesteps(reject)));
        const pass = passFloors(scores, share, none, steps);
        const sound = mostSound(scores, share, [pass]);
        expect(sound).toBe(mostSound(scores, share, sidesteps(pass)));
        if (sound === -1) expect(mostSound(scores, share, every)).toBe(-1);
      }),
    );
  });

  test('of a single number they are the best there are', () => {
    const alike = fc.array(
      fc.record({ isSound: fc.boolean(), value }).map(({ isSound, value: one }) => even(isSound, one)),
      { minLength: 1, maxLength: 14 },
    );
    fc.assert(
      fc.property(alike, limit, (rows, share) => {
        const scores = rows.flat();
        const reject = rejectFloors(scores, share, steps);
        expect(leastBad(scores, share, [reject])).toBe(leastBad(scores, share, every));
        const pass = passFloors(scores, share, none, steps);
        expect(mostSound(scores, share, [pass])).toBe(mostSound(scores, share, every));
      }),
      { numRuns: 50 },
    );
  });

  test('of four numbers they are the best of all combinations, but for a few tables in a hundred', () => {
    const drawn = fc.sample(fc.tuple(tables, limit), { numRuns: 150, seed: 20261128 });
    const missed = drawn.filter(
      ([scores, share]) =>
        leastBad(scores, share, [rejectFloors(scores, share, steps)]) !== leastBad(scores, share, every) ||
        mostSound(scores, share, [passFloors(scores, share, none, steps)]) !==
          mostSound(scores, share, every),
    );
    expect(missed.length).toBeLessThanOrEqual(drawn.length * 0.05);
  });
});
