/** Values of Secrets Manager secrets: given by the caller, constant in the template, or generated once and kept. */

import { randomInt } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import type { PropertiesOf } from './resource-types.ts';
import type { Stack } from './stack.ts';

export type Secret = { arn: string; name: string; value: string };

/** Finds a secret by ARN, by ARN without its random ending, or by name. */
export type FindSecret = (secretId: string) => Secret | undefined;

const generatedSchema = z.record(z.string(), z.string());

/**
 * `given` maps ARNs, or logical ids of the stack's own secrets, to values. Generated values are kept in
 * `secrets.json` of `dataFolder`, readable by its owner only, so that they outlive the stage.
 */
export function loadSecrets(
  stack: Stack,
  given: Readonly<Record<string, string>>,
  dataFolder: string,
): FindSecret {
  const file = path.join(dataFolder, 'secrets.json');
  const generated = existsSync(file) ? generatedSchema.parse(JSON.parse(readFileSync(file, 'utf8'))) : {};
  const kept = { ...generated };
  const own = stack
    .resources('AWS::SecretsManager::Secret')
    .map(({ logicalId, identity, properties }): Secret => {
      const arn = identity.ref;
      const constant = given[arn] ?? given[logicalId] ?? properties.SecretString;
      if (constant === undefined) kept[logicalId] ??= generate(properties.GenerateSecretString);
      return { arn, name: properties.Name ?? logicalId, value: constant ?? kept[logicalId] ?? '' };
    });
  if (Object.keys(kept).length > Object.keys(generated).length) {
    mkdirSync(dataFolder, { recursive: true });
    writeFileSync(file, JSON.stringify(kept, null, 2), { mode: 0o600 });
  }
  const others = Object.entries(given)
    .filter(([id]) => id.startsWith('arn:') && !own.some(({ arn }) => arn === id))
    .map(([arn, value]): Secret => ({ arn, name: nameOf(arn), value }));
  const secrets = [...own, ...others];
  return (id) =>
    secrets.find(({ arn, name }) => id === arn || id === name || id === arn.replace(/-[^-]{6}$/, ''));
}

function nameOf(arn: string): string {
  const name = arn.split(':').at(-1) ?? arn;
  return name.replace(/-[^-]{6}$/, '');
}

type Generation = NonNullable<PropertiesOf<'AWS::SecretsManager::Secret'>['GenerateSecretString']>;

function generate(options: Generation | undefined): string {
  const password = generatePassword(options);
  if (options?.GenerateStringKey === undefined) return password;
  const template = z.record(z.string(), z.unknown()).parse(JSON.parse(options.SecretStringTemplate ?? '{}'));
  return JSON.stringify({ ...template, [options.GenerateStringKey]: password });
}

function generatePassword(options: Generation | undefined): string {
  const alphabet = [
    options?.ExcludeLowercase ? '' : 'abcdefghijklmnopqrstuvwxyz',
    options?.ExcludeUppercase ? '' : 'ABCDEFGHIJKLMNOPQRSTUVWXYZ',
    options?.ExcludeNumbers ? '' : '0123456789',
    options?.ExcludePunctuation ? '' : '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~',
    options?.IncludeSpace ? ' ' : '',
  ].join('');
  const allowed = [...alphabet].filter((character) => !options?.ExcludeCharacters.includes(character));
  if (allowed.length === 0) throw new Error('a generated secret may not exclude every character');
  return Array.from({ length: options?.PasswordLength ?? 32 }, () => allowed[randomInt(allowed.length)]).join(
    '',
  );
}
