/**
 * EventBridge event patterns: `compilePattern(pattern)` checks a pattern once and answers a predicate over events.
 *
 * Semantics are those of aws/event-ruler: a field matches when any of its listed values does, a pattern when all of
 * its fields do; arrays in events stand for any of their elements, and fields below one array must match within the
 * same element. Differences: `$or` is always the operator, never a field name, and dotted keys are not split.
 */

import { BlockList, isIP } from 'node:net';

export type EventPredicate = (event: unknown) => boolean;

type Json = Record<string, unknown>;
/** Tests a subtree of an event; `root` is the whole event, which absence is judged by. */
type NodeTest = (value: unknown, root: unknown) => boolean;
/** Tests one scalar of an event. */
type ValueTest = (value: unknown) => boolean;

/** Throws on an empty pattern, an unknown operator or a malformed operand, naming the field's path. */
export function compilePattern(pattern: unknown): EventPredicate {
  const test = compileObject(pattern, []);
  return (event) => test(event, event);
}

function compileObject(pattern: unknown, path: readonly string[]): NodeTest {
  if (!isObject(pattern)) throw fault(path, 'must be an object or a list of values');
  const tests = Object.entries(pattern).map(([key, below]) =>
    key === '$or' ? compileOr(below, path) : compileField(key, below, [...path, key]),
  );
  if (tests.length === 0) throw fault(path, 'must not be empty');
  return (value, root) => {
    const candidates = elementsOf(value).filter(isObject);
    // Without an object only tests for absence can match, and they look at the whole event.
    if (candidates.length === 0) return tests.every((test) => test(undefined, root));
    return candidates.some((candidate) => tests.every((test) => test(candidate, root)));
  };
}

function compileField(key: string, below: unknown, path: readonly string[]): NodeTest {
  const test = Array.isArray(below) ? compileLeaf(below, path) : compileObject(below, path);
  return (parent, root) => test(isObject(parent) ? parent[key] : undefined, root);
}

function compileOr(alternatives: unknown, path: readonly string[]): NodeTest {
  if (!Array.isArray(alternatives) || alternatives.length < 2) {
    throw fault([...path, '$or'], 'must list at least two objects');
  }
  const tests = alternatives.map((alternative) => compileObject(alternative, path));
  return (value, root) => tests.some((test) => test(value, root));
}

function compileLeaf(listed: readonly unknown[], path: readonly string[]): NodeTest {
  if (listed.length === 0) throw fault(path, 'must list at least one value');
  const mayBeAbsent = listed.some((item) => isObject(item) && item.exists === false);
  const tests = listed
    .filter((item) => !(isObject(item) && item.exists === false))
    .map((item) => compileValue(item, path));
  return (value, root) =>
    scalarsOf(value).some((scalar) => tests.some((test) => test(scalar))) ||
    (mayBeAbsent && leavesAt(root, path).length === 0);
}

function compileValue(item: unknown, path: readonly string[]): ValueTest {
  if (!isObject(item)) {
    if (Array.isArray(item)) throw fault(path, 'must not list a list');
    return (value) => value === item;
  }
  const [operator, operand] = single(item, path);
  const place = [...path, operator];
  switch (operator) {
    case 'exists':
      if (operand !== true) throw fault(place, 'must be true or false');
      return () => true;
    case 'numeric':
      return numeric(operand, place);
    case 'cidr':
      return cidr(operand, place);
    case 'anything-but':
      return anythingBut(operand, place);
    default:
      return textual(operator, operand, place);
  }
}

/** Operators on strings, which `anything-but` takes too. */
function textual(operator: string, operand: unknown, path: readonly string[]): ValueTest {
  const lower = (test: (value: string, wanted: string) => boolean, wanted: string): ValueTest =>
    onText((value) => test(value.toLowerCase(), wanted.toLowerCase()));
  const startsWith = (value: string, wanted: string) => value.startsWith(wanted);
  const endsWith = (value: string, wanted: string) => value.endsWith(wanted);
  switch (operator) {
    case 'prefix':
    case 'suffix': {
      const test = operator === 'prefix' ? startsWith : endsWith;
      if (!isObject(operand)) {
        const wanted = textOf(operand, path);
        return onText((value) => test(value, wanted));
      }
      const [nested, wanted] = single(operand, path);
      if (nested !== 'equals-ignore-case') throw fault([...path, nested], 'is not known here');
      return lower(test, textOf(wanted, path));
    }
    case 'equals-ignore-case':
      return lower((value, wanted) => value === wanted, textOf(operand, path));
    case 'wildcard': {
      const expression = wildcardExpression(textOf(operand, path), path);
      return onText((value) => expression.test(value));
    }
    default:
      throw fault(path, 'is not a known operator');
  }
}

function anythingBut(operand: unknown, path: readonly string[]): ValueTest {
  if (isObject(operand)) {
    const [operator, wanted] = single(operand, path);
    const place = [...path, operator];
    const tests = listOf(wanted, place).map((one) => textual(operator, textOf(one, place), place));
    return (value) => !tests.some((test) => test(value));
  }
  const excluded = listOf(operand, path);
  const kinds = new Set(excluded.map((one) => typeof one));
  if (kinds.size !== 1 || !(kinds.has('string') || kinds.has('number'))) {
    throw fault(path, 'must hold strings only or numbers only');
  }
  return (value) => !excluded.includes(value);
}

function numeric(operand: unknown, path: readonly string[]): ValueTest {
  const parts = listOf(operand, path);
  const tests: ((value: number) => boolean)[] = [];
  for (let index = 0; index < parts.length; index += 2) {
    const [operator, bound] = [parts[index], parts[index + 1]];
    if (typeof bound !== 'number') throw fault(path, 'must pair each comparison with a number');
    tests.push(comparison(operator, bound, path));
  }
  if (tests.length > 2 || (tests.length === 2 && parts.includes('='))) {
    throw fault(path, 'must hold one comparison or a range of two');
  }
  return (value) => typeof value === 'number' && tests.every((test) => test(value));
}

function comparison(operator: unknown, bound: number, path: readonly string[]): (value: number) => boolean {
  switch (operator) {
    case '=':
      return (value) => value === bound;
    case '<':
      return (value) => value < bound;
    case '<=':
      return (value) => value <= bound;
    case '>':
      return (value) => value > bound;
    case '>=':
      return (value) => value >= bound;
    default:
      throw fault(path, `does not know the comparison ${JSON.stringify(operator)}`);
  }
}

function cidr(operand: unknown, path: readonly string[]): ValueTest {
  const [network = '', prefix = ''] = textOf(operand, path).split('/');
  const version = isIP(network);
  if (version === 0 || !/^\d{1,3}$/.test(prefix) || Number(prefix) > (version === 4 ? 32 : 128)) {
    throw fault(path, 'must be an address, a slash and a prefix length');
  }
  const range = new BlockList();
  range.addSubnet(network, Number(prefix), version === 4 ? 'ipv4' : 'ipv6');
  return onText((value) => isIP(value) === version && range.check(value, version === 4 ? 'ipv4' : 'ipv6'));
}

function wildcardExpression(wildcard: string, path: readonly string[]): RegExp {
  if (/(^|[^\\])(\\\\)*\*\*/.test(wildcard)) throw fault(path, 'must not hold consecutive wildcards');
  const source = wildcard.replace(
    /\\(.?)|([\s\S])/g,
    (_match, escaped: string | undefined, plain: string) => {
      if (escaped !== undefined) {
        if (escaped !== '*' && escaped !== '\\') throw fault(path, 'may escape only * and \\');
        return `\\${escaped}`;
      }
      return plain === '*' ? '.*' : plain.replace(/[.+?^${}()|[\]/\\]/, '\\$&');
    },
  );
  return new RegExp(`^${source}$`, 's');
}

function onText(test: (value: string) => boolean): ValueTest {
  return (value) => typeof value === 'string' && test(value);
}

function elementsOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value.flatMap(elementsOf) : [value];
}

function scalarsOf(value: unknown): unknown[] {
  return elementsOf(value).filter((element) => element !== undefined && !isObject(element));
}

function leavesAt(value: unknown, path: readonly string[]): unknown[] {
  const [key, ...rest] = path;
  if (key === undefined) return scalarsOf(value);
  return elementsOf(value)
    .filter(isObject)
    .flatMap((element) => leavesAt(element[key], rest));
}

function single(object: Json, path: readonly string[]): [string, unknown] {
  const [entry, ...others] = Object.entries(object);
  if (entry === undefined || others.length > 0) throw fault(path, 'must hold exactly one operator');
  return entry;
}

function listOf(value: unknown, path: readonly string[]): unknown[] {
  const items = Array.isArray(value) ? value : [value];
  if (items.length === 0) throw fault(path, 'must not be empty');
  return items;
}

function textOf(value: unknown, path: readonly string[]): string {
  if (typeof value !== 'string') throw fault(path, 'must be a string');
  return value;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fault(path: readonly string[], problem: string): Error {
  return new Error(`event pattern: ${path.join('.') || 'the pattern'} ${problem}`);
}
