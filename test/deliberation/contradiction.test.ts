import { describe, expect, test } from '@jest/globals';
import { contradictionsBetween, contradictionsWithin } from '../../shared/deliberation/contradiction.ts';
import { scoreLocally } from '../../shared/deliberation/local-scorer.ts';
import { cache, textOf, whale } from './samples.ts';

describe('a later sentence contradicts an earlier one', () => {
  test.each([
    ['by a denial', 'The cache is safe to clear at night.', 'The cache is not safe to clear at night.'],
    [
      'by a contraction',
      'The worker retries the failed batch.',
      "The worker doesn't retry the failed batch.",
    ],
    [
      'by an opening that denies',
      'The index fits in memory.',
      'It is not true that the index fits in memory.',
    ],
    [
      'under a remark',
      'The index fits in memory.',
      'Actually, as a later look shows, the index does not fit in memory.',
    ],
    [
      'by never',
      'The leader sends a heartbeat to every node.',
      'The leader never sends a heartbeat to every node.',
    ],
    [
      'by an opposite',
      'The new schema makes the nightly import faster.',
      'The new schema makes the nightly import slower.',
    ],
    ['by a number', 'The pool holds 40 connections per region.', 'The pool holds 25 connections per region.'],
    [
      'by a number in words',
      'The plan needs three database migrations.',
      'The plan needs five database migrations.',
    ],
    [
      'by an opposite in another form',
      'The archive contains every invoice of the year.',
      'The archive lacks every invoice of the year.',
    ],
    [
      'by an ordinal',
      'The index is rebuilt in the first stage of the import.',
      'The index is rebuilt in the last stage of the import.',
    ],
    [
      'by "no"',
      'There are backups of the billing database.',
      'There are no backups of the billing database.',
    ],
  ])('%s', (_, first, second) => {
    const [found] = contradictionsWithin([first, 'Nobody touches the billing code this week.', second]);
    expect(found).toMatchObject({ first, second });
    expect(found?.strength).toBeGreaterThanOrEqual(0.3);
    expect(found?.why).not.toBe('');
  });

  test('the score quotes both sentences and coherence falls', () => {
    const statement = 'Traces show that 210 ms go to the tax lookup.';
    const denial = 'Traces do not show that 210 ms go to the tax lookup.';
    const agreeing = scoreLocally({ goal: cache.goal, text: `${textOf(cache)}\n${statement}` });
    const result = scoreLocally({ goal: cache.goal, text: `${textOf(cache)}\n${statement}\n${denial}` });
    expect(result.contradictions[0]).toMatchObject({ first: statement, second: denial });
    expect(result.contradiction).toBeGreaterThan(0.5);
    expect(result.coherence).toBeLessThan(agreeing.coherence - 0.1);
  });
});

describe('no contradiction', () => {
  test.each([
    [
      'a denied sentence about something else',
      'The cache is safe to clear.',
      'Monet did not paint the harbour at night.',
    ],
    ['a denial of another subject', 'A shark is a kind of fish.', 'A whale is not a kind of plant.'],
    [
      'a denied opposite says the same again',
      'The office is near the station.',
      'The office is not far from the station.',
    ],
    ['a repetition', 'The pool holds 40 connections.', 'The pool holds 40 connections.'],
    ['a denial said twice', 'The pool is not full today.', 'So the pool is not full today.'],
    ['other things have other numbers', 'Kafka needs 3 brokers.', 'The review of the contract takes 5 days.'],
    ['a double negation', 'The cache is safe to clear.', 'The cache is never not safe to clear.'],
    ['one number in two spellings', 'The plan needs two migrations.', 'The plan needs 2 migrations.'],
    [
      'numbers of different roles',
      'The review takes 5 days and needs 3 people.',
      'The review takes 5 days at 40 euros each.',
    ],
    [
      'numbers of different units',
      'The backup of the ledger takes 3 hours.',
      'The backup of the ledger takes 200 GB.',
    ],
    [
      'another kind of one thing, said of what may be another subject',
      'A violin is kept in the hall.',
      'A trumpet is kept in the hall.',
    ],
    ['"not only"', 'The job writes a log.', 'The job writes not only a log but also a metric.'],
    [
      'a series over time',
      'In 2019 the plant made 310 cars.',
      'In 2020 the plant made 450 trucks with two shifts.',
    ],
  ])('%s', (_, first, second) => {
    const strengths = contradictionsWithin([first, second]).map(({ strength }) => strength);
    expect(Math.max(0, ...strengths)).toBeLessThan(0.3);
  });

  test('adding a denied sentence of another text is no contradiction', () => {
    const text = `${textOf(whale)}\nMonet did not paint the cathedral of Rouen in thirty canvases.`;
    const result = scoreLocally({ goal: whale.goal, text });
    expect(result.contradiction).toBe(0);
    expect(result.contradictions).toEqual([]);
  });
});

describe('premise and text', () => {
  const strength = (premise: string, text: string) =>
    contradictionsBetween([premise], [text])[0]?.strength ?? 0;

  test.each([
    [
      'A man is playing a guitar on stage.',
      'A man is not playing a guitar on stage.',
      'A man is playing an instrument.',
    ],
    [
      'A woman in a red coat crosses the street.',
      'A woman in a blue coat crosses the street.',
      'A woman crosses the street.',
    ],
    ['Two dogs run on the beach.', 'Four dogs run on the beach.', 'Dogs run on the beach.'],
    ['The shop is open on Sunday.', 'The shop is closed on Sunday.', 'The shop is open.'],
    ['A woman plays the violin.', 'A woman plays the trumpet.', 'A woman plays an instrument.'],
    ['The meeting is in the kitchen.', 'The meeting is in the dining room.', 'The meeting is in a room.'],
    ['She finished first.', 'She finished 3rd.', 'She finished 1st.'],
    ['A small boat is near the shore.', 'A big boat is near the shore.', 'A tiny boat is near the shore.'],
    [
      'Nobody was in the garden.',
      'A man was in the garden.',
      'It is not true that somebody was in the garden.',
    ],
  ])('%s / %s', (premise, contradicting, following) => {
    expect(strength(premise, contradicting)).toBeGreaterThan(strength(premise, following));
    expect(strength(premise, contradicting)).toBeGreaterThanOrEqual(0.3);
  });

  test('denying what the premise does not mention is weaker than denying what it says', () => {
    const premise = 'A man is playing a guitar on stage.';
    const denied = strength(premise, 'The man is not playing a guitar.');
    expect(denied).toBeGreaterThan(0.5);
    expect(strength(premise, 'The man is not eating lunch with his uncle.')).toBeLessThan(denied / 2);
  });

  test('who denies the broader denies the narrower, and not the other way round', () => {
    const broader = strength('A man is playing a guitar.', 'A man is not playing an instrument.');
    const narrower = strength('A man is playing an instrument.', 'A man is not playing a guitar.');
    expect(broader).toBeGreaterThan(narrower);
  });

  test('a supposition contradicts less than a claim', () => {
    const premise = 'The pool is full of water today.';
    expect(strength(premise, 'If the pool is not full of water today, the gate opens.')).toBeLessThan(
      strength(premise, 'The pool is not full of water today.'),
    );
  });

  test.each([
    ['The lamp is red.', 'The lamp is not red.', 'One sentence denies what the other states.'],
    ['The lamp is hot.', 'The lamp is cold.', '"hot" and "cold" exclude each other.'],
    ['Two lamps are red.', 'Five lamps are red.', 'The same is said with two and with five.'],
    [
      'A woman plays the violin.',
      'A woman plays the cello.',
      '"violin" and "cello" exclude each other here.',
    ],
    ['The clerk carries a lamp.', 'The clerk carries a mortgage.', '"lamp" became "mortgage".'],
  ])('%s / %s: %s', (premise, text, why) => {
    expect(contradictionsBetween([premise], [text])[0]).toMatchObject({ first: premise, second: text, why });
  });

  test('with a premise, contradiction is judged between it and the text', () => {
    const input = { goal: 'Say what is seen.', text: 'A man is not playing a guitar on stage.' };
    const result = scoreLocally({ ...input, premise: 'A man is playing a guitar on stage.' });
    expect(result.contradiction).toBeGreaterThan(0.5);
    expect(result.contradictions[0]).toMatchObject({
      first: 'A man is playing a guitar on stage.',
      second: input.text,
    });
    expect(scoreLocally(input).contradiction).toBe(0);
  });
});
