import { describe, expect, test } from '@jest/globals';
import { compilePattern } from '../../infra/local/event-pattern.ts';

/** Expected results follow the documented behaviour of the operators in github.com/aws/event-ruler. */
type Case = { name: string; pattern: unknown; matching: unknown[]; other: unknown[] };

const tables: Record<string, Case[]> = {
  'exact values': [
    {
      name: 'any of the listed texts',
      pattern: { a: ['x', 'y'] },
      matching: [{ a: 'x' }, { a: 'y', b: 1 }],
      other: [{ a: 'z' }, {}, { a: 'X' }],
    },
    {
      name: 'numbers by value, not by their text',
      pattern: { a: [100] },
      matching: [{ a: 100 }, { a: 1e2 }],
      other: [{ a: '100' }, { a: 101 }],
    },
    {
      name: 'true is not its text',
      pattern: { a: [true] },
      matching: [{ a: true }],
      other: [{ a: 'true' }, { a: false }],
    },
    {
      name: 'null is not absence',
      pattern: { a: [null] },
      matching: [{ a: null }],
      other: [{}, { a: 'null' }],
    },
    {
      name: 'every field must match',
      pattern: { a: ['x'], b: { c: ['y'] } },
      matching: [{ a: 'x', b: { c: 'y' } }],
      other: [{ a: 'x', b: { c: 'z' } }, { a: 'x' }],
    },
  ],
  'text operators': [
    {
      name: 'prefix',
      pattern: { a: [{ prefix: 'hel' }] },
      matching: [{ a: 'hello' }, { a: 'hel' }],
      other: [{ a: 'Hello' }, { a: 5 }, {}],
    },
    {
      name: 'prefix in any case',
      pattern: { a: [{ prefix: { 'equals-ignore-case': 'EC2' } }] },
      matching: [{ a: 'ec2-i' }, { a: 'EC2' }],
      other: [{ a: 'aec2' }],
    },
    {
      name: 'suffix',
      pattern: { a: [{ suffix: '.png' }] },
      matching: [{ a: 'x.png' }],
      other: [{ a: 'x.PNG' }, { a: 'png' }],
    },
    {
      name: 'suffix in any case',
      pattern: { a: [{ suffix: { 'equals-ignore-case': '.png' } }] },
      matching: [{ a: 'x.PNG' }],
      other: [{ a: '.png1' }],
    },
    {
      name: 'equality in any case',
      pattern: { a: [{ 'equals-ignore-case': 'aLiCe' }] },
      matching: [{ a: 'ALICE' }],
      other: [{ a: 'alices' }, { a: null }],
    },
    {
      name: 'wildcard',
      pattern: { a: [{ wildcard: 'a*c*e' }] },
      matching: [{ a: 'ace' }, { a: 'abcde' }, { a: 'a\nce' }],
      other: [{ a: 'aced' }, { a: 'bace' }],
    },
    {
      name: 'an escaped wildcard is a star',
      pattern: { a: [{ wildcard: 'a\\*b\\\\*' }] },
      matching: [{ a: 'a*b\\' }, { a: 'a*b\\z' }],
      other: [{ a: 'axb\\' }],
    },
    {
      name: 'other signs of a wildcard are plain',
      pattern: { a: [{ wildcard: 'a.c+*' }] },
      matching: [{ a: 'a.c+!' }],
      other: [{ a: 'abcc' }],
    },
  ],
  'anything-but': [
    {
      name: 'one text',
      pattern: { a: [{ 'anything-but': 'x' }] },
      matching: [{ a: 'y' }, { a: 1 }, { a: null }],
      other: [{ a: 'x' }, {}],
    },
    {
      name: 'a list of texts',
      pattern: { a: [{ 'anything-but': ['x', 'y'] }] },
      matching: [{ a: 'z' }],
      other: [{ a: 'x' }, { a: 'y' }],
    },
    {
      name: 'numbers',
      pattern: { a: [{ 'anything-but': [100, 200] }] },
      matching: [{ a: 300 }, { a: '100' }],
      other: [{ a: 100 }],
    },
    {
      name: 'prefix',
      pattern: { a: [{ 'anything-but': { prefix: 'init' } }] },
      matching: [{ a: 'running' }],
      other: [{ a: 'initializing' }, {}],
    },
    {
      name: 'a list of suffixes',
      pattern: { a: [{ 'anything-but': { suffix: ['.a', '.b'] } }] },
      matching: [{ a: 'x.c' }],
      other: [{ a: 'x.a' }, { a: 'x.b' }],
    },
    {
      name: 'any case',
      pattern: { a: [{ 'anything-but': { 'equals-ignore-case': ['Stopped'] } }] },
      matching: [{ a: 'running' }],
      other: [{ a: 'STOPPED' }],
    },
    {
      name: 'wildcard',
      pattern: { a: [{ 'anything-but': { wildcard: '*/bin/*' } }] },
      matching: [{ a: '/lib/x' }],
      other: [{ a: '/bin/x' }],
    },
    {
      name: 'any element of a list may differ',
      pattern: { a: [{ 'anything-but': 'x' }] },
      matching: [{ a: ['x', 'y'] }],
      other: [{ a: ['x'] }, { a: [] }],
    },
  ],
  numeric: [
    {
      name: 'a range, open below and closed above',
      pattern: { a: [{ numeric: ['>', 0, '<=', 5] }] },
      matching: [{ a: 0.1 }, { a: 5 }],
      other: [{ a: 0 }, { a: 5.1 }, { a: '3' }],
    },
    {
      name: 'equality',
      pattern: { a: [{ numeric: ['=', 3.018e2] }] },
      matching: [{ a: 301.8 }],
      other: [{ a: 301.9 }],
    },
    {
      name: 'one bound',
      pattern: { a: [{ numeric: ['>=', -1] }] },
      matching: [{ a: -1 }, { a: 7 }],
      other: [{ a: -1.5 }, {}],
    },
  ],
  exists: [
    {
      name: 'present, whatever the value',
      pattern: { a: [{ exists: true }] },
      matching: [{ a: 0 }, { a: null }, { a: [1] }],
      other: [{}, { a: {} }, { a: [] }],
    },
    {
      name: 'absent',
      pattern: { a: [{ exists: false }] },
      matching: [{}, { b: 1 }, { a: {} }, { a: [] }, { a: { b: 1 } }],
      other: [{ a: null }, { a: 1 }],
    },
    {
      name: 'absent below an absent object',
      pattern: { a: { b: [{ exists: false }] } },
      matching: [{}, { a: 5 }, { a: { c: 1 } }],
      other: [{ a: { b: 1 } }],
    },
    {
      name: 'absent or one value',
      pattern: { a: [{ exists: false }, 'x'] },
      matching: [{}, { a: 'x' }],
      other: [{ a: 'y' }],
    },
    {
      name: 'absent from all elements of a list',
      pattern: { a: { b: [{ exists: false }] } },
      matching: [{ a: [{ c: 1 }] }],
      other: [{ a: [{ c: 1 }, { b: 1 }] }],
    },
  ],
  cidr: [
    {
      name: 'IPv4',
      pattern: { a: [{ cidr: '10.0.0.0/24' }] },
      matching: [{ a: '10.0.0.0' }, { a: '10.0.0.255' }],
      other: [{ a: '10.0.1.0' }, { a: 'ten' }, { a: '::1' }],
    },
    {
      name: 'IPv6',
      pattern: { a: [{ cidr: '2001:db8::/32' }] },
      matching: [{ a: '2001:db8:1::1' }],
      other: [{ a: '2001:db9::1' }, { a: '10.0.0.1' }],
    },
  ],
  lists: [
    {
      name: 'a value among several',
      pattern: { a: ['y'] },
      matching: [{ a: ['x', 'y'] }, { a: [['y']] }],
      other: [{ a: ['x'] }],
    },
    {
      name: 'a field of any element',
      pattern: { a: { n: ['Anna'] } },
      matching: [{ a: [{ n: 'John' }, { n: 'Anna' }] }, { a: [[{ n: 'Anna' }]] }],
      other: [{ a: [{ n: 'John' }] }],
    },
    {
      name: 'two fields only of the same element',
      pattern: { a: { n: ['Anna'], l: ['Jones'] } },
      matching: [{ a: [{ n: 'Anna', l: 'Jones' }] }],
      other: [
        {
          a: [
            { n: 'Anna', l: 'Smith' },
            { n: 'Peter', l: 'Jones' },
          ],
        },
      ],
    },
  ],
  $or: [
    {
      name: 'either field',
      pattern: { s: ['x'], $or: [{ a: [1] }, { b: [2] }] },
      matching: [
        { s: 'x', a: 1 },
        { s: 'x', b: 2 },
      ],
      other: [{ s: 'x' }, { a: 1 }],
    },
    {
      name: 'an and inside',
      pattern: { $or: [{ a: [1], b: [2] }, { c: [3] }] },
      matching: [{ a: 1, b: 2 }, { c: 3 }],
      other: [{ a: 1 }, { b: 2 }],
    },
    {
      name: 'nested below a field',
      pattern: { d: { $or: [{ a: [1] }, { $or: [{ b: [2] }, { c: [3] }] }] } },
      matching: [{ d: { a: 1 } }, { d: { c: 3 } }],
      other: [{ a: 1 }, { d: {} }],
    },
  ],
};

describe.each(Object.entries(tables))('%s', (_operator, cases) => {
  test.each(cases)('$name', ({ pattern, matching, other }) => {
    const matches = compilePattern(pattern);
    expect(matching.filter((event) => !matches(event))).toEqual([]);
    expect(other.filter((event) => matches(event))).toEqual([]);
  });
});

describe('a pattern is refused', () => {
  const cases: { name: string; pattern: unknown; message: string }[] = [
    { name: 'when empty', pattern: {}, message: 'the pattern must not be empty' },
    { name: 'with an empty list', pattern: { a: [] }, message: 'a must list at least one value' },
    { name: 'with a bare value', pattern: { a: 'x' }, message: 'a must be an object or a list' },
    {
      name: 'with an unknown operator',
      pattern: { a: { b: [{ regex: 'x' }] } },
      message: 'a.b.regex is not a known operator',
    },
    {
      name: 'with two operators in one',
      pattern: { a: [{ prefix: 'x', suffix: 'y' }] },
      message: 'a must hold exactly one operator',
    },
    {
      name: 'with mixed exclusions',
      pattern: { a: [{ 'anything-but': ['x', 1] }] },
      message: 'strings only or numbers only',
    },
    {
      name: 'with an unknown exclusion',
      pattern: { a: [{ 'anything-but': { numeric: 'x' } }] },
      message: 'a.anything-but.numeric is not a known operator',
    },
    {
      name: 'with an unknown comparison',
      pattern: { a: [{ numeric: ['~', 1] }] },
      message: 'does not know the comparison "~"',
    },
    {
      name: 'with half a comparison',
      pattern: { a: [{ numeric: ['>'] }] },
      message: 'must pair each comparison with a number',
    },
    {
      name: 'with a malformed network',
      pattern: { a: [{ cidr: '10.0.0.0/33' }] },
      message: 'a.cidr must be an address',
    },
    {
      name: 'with two wildcards in a row',
      pattern: { a: [{ wildcard: 'a**b' }] },
      message: 'consecutive wildcards',
    },
    { name: 'with a needless escape', pattern: { a: [{ wildcard: 'a\\b' }] }, message: 'may escape only' },
    {
      name: 'with one alternative',
      pattern: { $or: [{ a: [1] }] },
      message: '$or must list at least two objects',
    },
  ];
  test.each(cases)('$name', ({ pattern, message }) => {
    expect(() => compilePattern(pattern)).toThrow(message);
  });
});
