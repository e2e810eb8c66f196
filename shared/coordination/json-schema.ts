import * as z from 'zod';

export type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * JSON Schemas (2020-12) of named zod schemas, which refer to each other as `${base}${name}`.
 *
 * Two things that only zod's own parser needs are left out: the pattern beside `format: date-time`, and the bounds
 * of safe integers.
 */
export function toJsonSchemas(
  named: Readonly<Record<string, z.ZodType>>,
  base: string,
): Record<string, JsonSchema> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(named)) registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, {
    io: 'input',
    uri: (id) => base + id,
    override: ({ jsonSchema }) => {
      if (jsonSchema.format === 'date-time' || jsonSchema.format === 'uuid') delete jsonSchema.pattern;
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    },
  });
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => {
      const { $schema: _draft, $id: _id, ...rest } = schema as Record<string, unknown>;
      return [name, rest];
    }),
  );
}
