/**
 * Evaluates CloudFormation's intrinsic functions.
 *
 * Whatever is not known here throws with the place in the template: a value that is guessed would make the local
 * stage differ from the deployed one without anybody noticing.
 */

import type { Template } from './assembly.ts';

/** What `Ref` and `Fn::GetAtt` answer for one resource. */
export type Identity = { readonly ref: string; readonly attributes: Readonly<Record<string, string>> };

export type ResolverInput = {
  parameters: Template['Parameters'];
  conditions: Template['Conditions'];
  /** `AWS::Region` and its like. */
  pseudoParameters: Readonly<Record<string, string>>;
  /** Identity of the resource, or undefined when the template has no such resource. */
  identityOf: (logicalId: string) => Identity | undefined;
  importValue: (exportName: string) => string;
};

export type Resolver = {
  /**
   * The value with every intrinsic evaluated; undefined when it is `AWS::NoValue`. `where` is the place of the
   * value in the template, such as `TasksQueue.Properties.QueueName`, and opens every error message.
   */
  resolve: (value: unknown, where: string) => unknown;
  /** Whether the named condition of the template is true. */
  holds: (condition: string, where: string) => boolean;
};

type Intrinsic = (argument: unknown, where: string) => unknown;

export function createResolver(input: ResolverInput): Resolver {
  const intrinsics: Readonly<Record<string, Intrinsic>> = {
    Ref: (name, where) => ref(text(name, where), where),
    Condition: (name, where) => holds(text(name, where), where),
    'Fn::GetAtt': getAttribute,
    'Fn::ImportValue': (name, where) => input.importValue(text(resolve(name, where), where)),
    'Fn::Join': join,
    'Fn::Sub': substitute,
    'Fn::Select': select,
    'Fn::Split': split,
    'Fn::If': choose,
    'Fn::Equals': (argument, where) => {
      const [left, right] = pair(resolve(argument, where), where);
      return String(left) === String(right);
    },
    'Fn::And': (argument, where) => list(resolve(argument, where), where).every(Boolean),
    'Fn::Or': (argument, where) => list(resolve(argument, where), where).some(Boolean),
    'Fn::Not': (argument, where) => !list(resolve(argument, where), where)[0],
  };

  function resolve(value: unknown, where: string): unknown {
    if (typeof value === 'string') return literal(value, where);
    if (Array.isArray(value)) {
      return value
        .map((item, index) => resolve(item, `${where}[${index}]`))
        .filter((item) => item !== undefined);
    }
    if (!isObject(value)) return value;
    const [name, argument] = Object.entries(value)[0] ?? [];
    if (name !== undefined && Object.keys(value).length === 1 && looksIntrinsic(name, argument)) {
      const intrinsic = intrinsics[name];
      if (intrinsic === undefined) throw new Error(`${where}: ${name} is not known to the local stage`);
      return intrinsic(argument, where);
    }
    const resolved = Object.entries(value).map(
      ([key, item]) => [key, resolve(item, `${where}.${key}`)] as const,
    );
    return Object.fromEntries(resolved.filter(([, item]) => item !== undefined));
  }

  function ref(name: string, where: string): unknown {
    if (name === 'AWS::NoValue') return undefined;
    const pseudo = input.pseudoParameters[name];
    if (pseudo !== undefined) return pseudo;
    const parameter = input.parameters[name];
    if (parameter?.Default !== undefined) return parameter.Default;
    if (parameter) throw new Error(`${where}: parameter ${name} has no default value`);
    const identity = input.identityOf(name);
    if (identity === undefined)
      throw new Error(`${where}: Ref to ${name}, which the template does not define`);
    return identity.ref;
  }

  function getAttribute(argument: unknown, where: string): string {
    const path = typeof argument === 'string' ? argument.split('.') : list(argument, where).map(String);
    const [logicalId = '', ...attributePath] = path;
    const attribute = attributePath.join('.');
    const value = input.identityOf(logicalId)?.attributes[attribute];
    if (value === undefined) {
      throw new Error(`${where}: attribute ${attribute} of ${logicalId} is not known to the local stage`);
    }
    return value;
  }

  function join(argument: unknown, where: string): string {
    const [separator, parts] = pair(argument, where);
    return list(resolve(parts, where), where).map(String).join(text(separator, where));
  }

  function substitute(argument: unknown, where: string): string {
    const [template, variables] = typeof argument === 'string' ? [argument, {}] : pair(argument, where);
    const own = isObject(variables) ? variables : {};
    return text(template, where).replace(/\$\{([^}]+)\}/g, (_match, name: string) => {
      if (name.startsWith('!')) return `\${${name.slice(1)}}`;
      if (Object.hasOwn(own, name)) return String(resolve(own[name], where));
      return String(name.includes('.') ? getAttribute(name, where) : ref(name, where));
    });
  }

  function select(argument: unknown, where: string): unknown {
    const [index, items] = pair(argument, where);
    const chosen = list(resolve(items, where), where)[Number(resolve(index, where))];
    if (chosen === undefined) throw new Error(`${where}: Fn::Select finds no item ${String(index)}`);
    return chosen;
  }

  function split(argument: unknown, where: string): string[] {
    const [separator, source] = pair(argument, where);
    return text(resolve(source, where), where).split(text(separator, where));
  }

  function choose(argument: unknown, where: string): unknown {
    const [condition, whenTrue, whenFalse] = list(argument, where);
    return resolve(holds(text(condition, where), where) ? whenTrue : whenFalse, where);
  }

  function holds(condition: string, where: string): boolean {
    if (!Object.hasOwn(input.conditions, condition)) {
      throw new Error(`${where}: condition ${condition} is not defined by the template`);
    }
    return Boolean(resolve(input.conditions[condition], `Conditions.${condition}`));
  }

  return { resolve, holds };
}

function looksIntrinsic(name: string, argument: unknown): boolean {
  // `Condition` is also an ordinary key (of an IAM statement, with an object); the intrinsic names a condition.
  return name === 'Ref' || name.startsWith('Fn::') || (name === 'Condition' && typeof argument === 'string');
}

function literal(value: string, where: string): string {
  if (value.includes('{{resolve:'))
    throw new Error(`${where}: dynamic references ({{resolve:…}}) are not known`);
  return value;
}

function text(value: unknown, where: string): string {
  if (typeof value !== 'string')
    throw new Error(`${where}: expected a string, found ${JSON.stringify(value)}`);
  return value;
}

function list(value: unknown, where: string): unknown[] {
  if (!Array.isArray(value)) throw new Error(`${where}: expected a list, found ${JSON.stringify(value)}`);
  return value;
}

function pair(value: unknown, where: string): [unknown, unknown] {
  const items = list(value, where);
  if (items.length !== 2) throw new Error(`${where}: expected two items, found ${items.length}`);
  return [items[0], items[1]];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
