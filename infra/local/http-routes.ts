/** Route keys of an HTTP API: which route serves a request, and the parameters in its path. */

type Segment = { kind: 'literal' | 'parameter' | 'greedy'; text: string };

export type CompiledRoute<T> = { method: string; segments: Segment[] | 'default'; value: T };

export type RouteMatch<T> = { value: T; pathParameters: Record<string, string> };

/** Compiles `GET /v1/runs/{runId}`, `ANY /{proxy+}` or `$default`; throws on any other form. */
export function compileRoute<T>(routeKey: string, value: T): CompiledRoute<T> {
  if (routeKey === '$default') return { method: 'ANY', segments: 'default', value };
  const [, method, path] = /^([A-Z]+) (\/.*)$/.exec(routeKey) ?? [];
  if (method === undefined || path === undefined) throw new Error(`route key ${routeKey} is not understood`);
  const segments = path
    .slice(1)
    .split('/')
    .map((text): Segment => {
      const [, name, plus] = /^\{([^{}+]+)(\+?)\}$/.exec(text) ?? [];
      if (name === undefined) return { kind: 'literal', text };
      return { kind: plus === '+' ? 'greedy' : 'parameter', text: name };
    });
  return { method, segments, value };
}

/**
 * The most specific route for a request, as API Gateway chooses: segment by segment a literal before a parameter
 * before a greedy one, then the method's own route before `ANY`, `$default` last. `rawPath` is still URL-encoded;
 * parameters are decoded. Throws URIError on a path with malformed encoding.
 */
export function findRoute<T>(
  routes: readonly CompiledRoute<T>[],
  method: string,
  rawPath: string,
): RouteMatch<T> | undefined {
  const parts = rawPath.slice(1).split('/').map(decodeURIComponent);
  const candidates = routes.flatMap((route) => {
    if (route.method !== 'ANY' && route.method !== method) return [];
    if (route.segments === 'default') return [{ route, rank: 'z', pathParameters: {} }];
    const pathParameters = matchSegments(route.segments, parts);
    return pathParameters ? [{ route, rank: rankOf(route), pathParameters }] : [];
  });
  candidates.sort((one, other) => (one.rank < other.rank ? -1 : 1));
  const best = candidates[0];
  return best && { value: best.route.value, pathParameters: best.pathParameters };
}

function matchSegments(
  segments: readonly Segment[],
  parts: readonly string[],
): Record<string, string> | undefined {
  const parameters: Record<string, string> = {};
  for (const [index, { kind, text }] of segments.entries()) {
    const part = parts[index];
    if (part === undefined) return undefined;
    if (kind === 'greedy') return { ...parameters, [text]: parts.slice(index).join('/') };
    if (kind === 'literal' ? part !== text : part === '') return undefined;
    if (kind === 'parameter') parameters[text] = part;
  }
  return segments.length === parts.length ? parameters : undefined;
}

/** Sorts before the rank of every less specific route. */
function rankOf({ method, segments }: CompiledRoute<unknown>): string {
  if (segments === 'default') return 'z';
  const path = segments.map(({ kind }) => ({ literal: 'a', parameter: 'b', greedy: 'c' })[kind]).join('');
  return `${path}${method === 'ANY' ? 'z' : 'a'}`;
}
