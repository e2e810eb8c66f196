/** What two sentences deny of each other. */

import type { ConflictFeatures, Effort } from './conflict.ts';
import type { Frame, FrameWord } from './frames.ts';
import { type Kinship, likenessOf } from './kinship.ts';
import { meaning_min, opposite_min, type WordPair } from './word-pairs.ts';

type Denials = Pick<
  ConflictFeatures,
  'deniedStated' | 'deniedUnmentioned' | 'deniedAgreed' | 'deniedHeadStated' | 'deniedNear'
>;

/** Mean over the content of one side of the best cosine on the other, 0..1; 0 without content. */
export function nearness(
  words: readonly FrameWord[],
  others: readonly FrameWord[],
  { near_words_max }: Effort,
): number {
  const contentOf = (side: readonly FrameWord[]) =>
    near_words_max === 0 ? [] : side.filter((word) => !word.grammar).slice(0, near_words_max);
  const content = contentOf(words);
  const there = contentOf(others);
  let sum = 0;
  for (const { key, rank } of content) {
    let best = 0;
    for (const other of there) {
      best = other.key === key ? 1 : Math.max(best, likenessOf(rank, other.rank));
      if (best === 1) break;
    }
    sum += best;
  }
  return content.length === 0 ? 0 : sum / content.length;
}

/** What the negations of both sides reach, against what the other side says of it. */
export function denialsBetween(
  first: Frame,
  second: Frame,
  pairs: readonly WordPair[],
  effort: Effort,
): Denials {
  const partner = new Map<FrameWord, { word: FrameWord; kinship: Kinship; isFirst: boolean }>();
  for (const { first: left, second: right, kinship, firstParts, secondParts } of pairs) {
    for (const part of firstParts) partner.set(part, { word: right, kinship, isFirst: true });
    for (const part of secondParts) partner.set(part, { word: left, kinship, isFirst: false });
  }
  let stated = 0;
  let unmentioned = Infinity;
  let agreed = 0;
  let head = 0;
  let near = 0;
  for (const [own, other] of [
    [first, second],
    [second, first],
  ] as const) {
    const denied = own.words.filter((word) => word.denied && !word.grammar);
    if (denied.length === 0) continue;
    const stating = new Set(other.words.filter((word) => !word.denied).map((word) => word.key));
    const denying = new Set(other.words.filter((word) => word.denied).map((word) => word.key));
    let here = 0;
    let missing = 0;
    near = Math.max(near, nearness(denied, other.words, effort));
    for (const [at, word] of denied.entries()) {
      if (at === 1) head = Math.max(head, here);
      const match = partner.get(word);
      if (denying.has(word.key)) agreed += 1;
      else if (stating.has(word.key)) here += 1;
      else if (match) {
        const { kinship } = match;
        if (kinship.opposite >= opposite_min) {
          if (match.word.denied) here += 1;
          else agreed += 1;
        } else {
          // Who denies a broader thing denies the narrower one too.
          const covers = Math.max(kinship.same, match.isFirst ? kinship.broader : kinship.narrower);
          const share = kinship.rival > 0 ? 0 : covers >= meaning_min ? 0.5 + covers / 2 : 0;
          if (match.word.denied) agreed += share;
          else here += share;
          missing += 1 - share;
        }
      } else missing += 1;
    }
    if (denied.length === 1) head = Math.max(head, here);
    stated = Math.max(stated, here / denied.length);
    unmentioned = Math.min(unmentioned, missing);
  }
  return {
    deniedStated: stated,
    deniedUnmentioned: unmentioned === Infinity ? 0 : unmentioned,
    deniedAgreed: agreed,
    deniedHeadStated: head,
    deniedNear: near,
  };
}
