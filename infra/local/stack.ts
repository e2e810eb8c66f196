/** One stack of a cloud assembly, its intrinsics evaluated and every resource accounted for. */

import * as z from 'zod';
import { type Assembly, loadAssembly, type Template } from './assembly.ts';
import { accountId, identityOf, namePropertyOf, type Place } from './identities.ts';
import { inertTypes } from './inert-types.ts';
import { createResolver, type Identity } from './intrinsics.ts';
import { type EmulatedType, emulatedTypes, type PropertiesOf } from './resource-types.ts';

export type Resource<T extends EmulatedType> = {
  logicalId: string;
  identity: Identity;
  properties: PropertiesOf<T>;
};

export type Stack = {
  name: string;
  place: Place;
  /** Every resource of one type, in the template's order. */
  resources: <T extends EmulatedType>(type: T) => Resource<T>[];
  resolve: (value: unknown, where: string) => unknown;
  assetFolder: Assembly['assetFolder'];
};

export type StackInput = {
  assemblyFolder: string;
  stackName: string;
  place: Place;
  importValue: (exportName: string) => string;
};

/**
 * Loads a stack and checks every resource of it. Throws, naming the logical id, on a resource type that is neither
 * emulated nor inert, on an unknown or malformed property of an emulated type and on an unknown intrinsic.
 */
export function loadStack(input: StackInput): Stack {
  const { template, assetFolder } = loadAssembly(input.assemblyFolder, input.stackName);
  const { place, stackName } = input;
  const resolver = createResolver({
    parameters: template.Parameters,
    conditions: template.Conditions,
    pseudoParameters: {
      'AWS::AccountId': accountId,
      'AWS::Partition': 'aws',
      'AWS::Region': place.region,
      'AWS::StackId': `arn:aws:cloudformation:${place.region}:${accountId}:stack/${stackName}/local`,
      'AWS::StackName': stackName,
      'AWS::URLSuffix': 'amazonaws.com',
    },
    identityOf: (logicalId) => {
      const resource = template.Resources[logicalId];
      return resource && identify(logicalId, resource);
    },
    importValue: input.importValue,
  });

  function identify(logicalId: string, resource: Template['Resources'][string]): Identity {
    const nameProperty = namePropertyOf(resource.Type);
    const given = nameProperty === undefined ? undefined : resource.Properties[nameProperty];
    const name =
      given === undefined ? logicalId : resolver.resolve(given, `${logicalId}.Properties.${nameProperty}`);
    return identityOf(resource.Type, String(name), place);
  }

  const parsed = new Map<string, { logicalId: string; identity: Identity; properties: unknown }[]>();
  for (const [logicalId, resource] of Object.entries(template.Resources)) {
    if (resource.Condition !== undefined && !resolver.holds(resource.Condition, logicalId)) continue;
    if (inertTypes.has(resource.Type)) continue;
    if (!isEmulated(resource.Type)) {
      throw new Error(
        `${logicalId}: the local stage does not know the resource type ${resource.Type}; ` +
          'emulate it or list it as inert',
      );
    }
    const { ignored, properties: schema } = emulatedTypes[resource.Type];
    const where = `${logicalId}.Properties`;
    const relevant = omit(resource.Properties, ignored);
    const resolved = isPolicyBearing(resource.Type)
      ? resolveExceptPolicies(relevant, where)
      : resolver.resolve(relevant, where);
    const result = schema.safeParse(resolved);
    if (!result.success) throw new Error(propertyErrorMessage(logicalId, resource.Type, result.error));
    const sameType = parsed.get(resource.Type) ?? [];
    sameType.push({ logicalId, identity: identify(logicalId, resource), properties: result.data });
    parsed.set(resource.Type, sameType);
  }

  /** Policies keep their intrinsics: a statement about a service that is not emulated need not be resolvable. */
  function resolveExceptPolicies(
    properties: Record<string, unknown>,
    where: string,
  ): Record<string, unknown> {
    const { PolicyDocument, Policies, ...others } = properties;
    const resolved = resolver.resolve(others, where);
    return { ...z.record(z.string(), z.unknown()).parse(resolved), ...defined({ PolicyDocument, Policies }) };
  }

  return {
    name: stackName,
    place,
    // The map holds under each type what that type's own schema returned.
    resources: <T extends EmulatedType>(type: T) => (parsed.get(type) ?? []) as Resource<T>[],
    resolve: resolver.resolve,
    assetFolder,
  };
}

function isEmulated(type: string): type is EmulatedType {
  return Object.hasOwn(emulatedTypes, type);
}

function isPolicyBearing(type: EmulatedType): boolean {
  return type.startsWith('AWS::IAM::');
}

function omit(properties: Record<string, unknown>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(properties).filter(([name]) => !names.includes(name)));
}

function defined(properties: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined));
}

function propertyErrorMessage(logicalId: string, type: string, error: z.ZodError): string {
  const problems = error.issues.map((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return `does not know ${issue.keys.map((key) => [...issue.path, key].join('.')).join(', ')}`;
    }
    return `cannot take ${issue.path.join('.')}: ${issue.message}`;
  });
  return `${logicalId} (${type}): the local stage ${problems.join('; ')}`;
}
