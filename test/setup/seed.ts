/**
 * Where the random tests begin: at the same draws in every run, so that whether a commit passes depends on the commit alone.
 * TEST_SEED names others; `npm run explore` goes through one after another.
 */

import fc from 'fast-check';

const given = process.env.TEST_SEED ?? '20261128';

/** From -2^31 to 2^31 - 1, as fast-check keeps its own. */
export const testSeed = Number(given) | 0;
if (String(testSeed) !== given) throw new Error(`TEST_SEED: ${given} is not a whole number of 32 bits.`);

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: testSeed });
