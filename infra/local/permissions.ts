/**
 * What a function's role may do, read from the template's IAM policies: a missing grant is refused here as on AWS,
 * where it would be found only after deploying. Conditions of statements are not evaluated.
 */

import * as z from 'zod';
import type { Stack } from './stack.ts';

/** Services whose calls the local stage serves; statements about others are not read. */
const servedServices: ReadonlySet<string> = new Set(['events', 'secretsmanager', 'sqs']);

const oneOrMany = z.union([z.string().transform((one) => [one]), z.array(z.string())]);
const statementSchema = z.object({
  Effect: z.enum(['Allow', 'Deny']),
  Action: oneOrMany,
  Resource: oneOrMany,
});
const rawStatement = z.record(z.string(), z.unknown());
const rawStatements = z.union([rawStatement.transform((one) => [one]), z.array(rawStatement)]);

type Statement = z.infer<typeof statementSchema>;

/** True when the role's policies allow `action` (such as `sqs:SendMessage`) on the resource of that ARN. */
export type MayCall = (roleName: string, action: string, resourceArn: string) => boolean;

/** Throws when a statement about a served service has a form that is not understood, naming its resource. */
export function readPermissions(stack: Stack): MayCall {
  const statementsOfRole = new Map<string, Statement[]>();
  const grant = (roleName: string, document: { Statement?: unknown }, where: string) => {
    const statements = readStatements(stack, document.Statement, where);
    statementsOfRole.set(roleName, [...(statementsOfRole.get(roleName) ?? []), ...statements]);
  };
  for (const { logicalId, identity, properties } of stack.resources('AWS::IAM::Role')) {
    for (const policy of properties.Policies) grant(identity.ref, policy.PolicyDocument, logicalId);
  }
  for (const type of ['AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy'] as const) {
    for (const { logicalId, properties } of stack.resources(type)) {
      for (const role of properties.Roles) grant(role, properties.PolicyDocument, logicalId);
    }
  }
  return (roleName, action, resourceArn) => {
    const applying = (statementsOfRole.get(roleName) ?? []).filter((statement) =>
      applies(statement, action, resourceArn),
    );
    return applying.length > 0 && applying.every((statement) => statement.Effect === 'Allow');
  };
}

function readStatements(stack: Stack, raw: unknown, where: string): Statement[] {
  return rawStatements
    .parse(raw)
    .filter((statement) => concernsServedService(statement.Action ?? statement.NotAction))
    .map((statement, index) => {
      const place = `${where}.PolicyDocument.Statement[${index}]`;
      const result = statementSchema.safeParse(stack.resolve(statement, place));
      if (!result.success)
        throw new Error(`${place}: needs Effect, Action and Resource to be understood locally`);
      return result.data;
    });
}

function concernsServedService(actions: unknown): boolean {
  const names = Array.isArray(actions) ? actions : [actions];
  return names.some((name) => {
    const service = String(name).split(':')[0] ?? '';
    return service.includes('*') || servedServices.has(service);
  });
}

function applies(statement: Statement, action: string, resourceArn: string): boolean {
  // Action names are compared without regard to case, ARNs with it.
  return (
    statement.Action.some((pattern) => matches(pattern.toLowerCase(), action.toLowerCase())) &&
    statement.Resource.some((pattern) => matches(pattern, resourceArn))
  );
}

function matches(pattern: string, value: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's').test(value);
}
