import type { Reading } from './reading.ts';
import { classLogOdds, wordClasses } from './word-classes.ts';

/** Words looked at; a longer text is judged by its first part. */
const tokens_max = 6000;

/**
 * How far neighbouring words stand in an order that English sentences use, 0..1 with 0.5 undecided. Words are read as
 * about twenty classes (article, preposition, comma, ...), so vocabulary plays no part.
 */
export function measureFluency({ steps }: Reading): number {
  let logOdds = 0;
  let pairs = 0;
  for (const step of steps) {
    const classes = wordClasses(step.written);
    for (let at = 1; at < classes.length && pairs < tokens_max; at += 1) {
      logOdds += classLogOdds(classes[at - 1] ?? 0, classes[at] ?? 0);
      pairs += 1;
    }
  }
  // A few pairs prove little: four neutral ones are added.
  return 1 / (1 + Math.exp((-4 * logOdds) / (pairs + 4)));
}
