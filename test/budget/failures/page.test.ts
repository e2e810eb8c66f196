/** docs/failures.md as a whole; each test file looks after its own section. */

import { expect, test } from '@jest/globals';
import { familiesOfFiles, preamble, readPage } from './failures-page.ts';

test('the page of failures has a section for each test file, in order, and no other', () => {
  const headings = [...readPage().matchAll(/^## (.*)$/gm)].map(([, heading = '']) => heading);
  expect(headings).toEqual(familiesOfFiles());
  expect(readPage().startsWith(preamble)).toBe(true);
});
