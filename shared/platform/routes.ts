/**
 * Every HTTP route of the contract: which Lambda serves it and who may call it.
 *
 * Pure data, read by three parties so that they cannot drift apart: the CDK app (HTTP API routes), the
 * handlers (a function must serve exactly its own routes, checked by the compiler) and the OpenAPI document.
 */

/** Lambdas that answer HTTP, one per concern; the folder `functions/<name>/api.ts` is the entry. */
export type ApiFunction = 'access' | 'admission' | 'budget' | 'coordination' | 'deliberation';

/** `public` needs no key; `runner` is open to runner and operator keys; `operator` to operator keys only. */
export type RouteScope = 'public' | 'runner' | 'operator';

export type Route = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly function: ApiFunction;
  readonly scope: RouteScope;
  readonly summary: string;
};

export const routes = [
  { method: 'POST', path: '/v1/runs', function: 'admission', scope: 'runner', summary: 'Ask to start a run' },
  { method: 'GET', path: '/v1/runs', function: 'admission', scope: 'runner', summary: 'List runs' },
  {
    method: 'GET',
    path: '/v1/runs/{runId}',
    function: 'admission',
    scope: 'runner',
    summary: "A run's result",
  },
  {
    method: 'PUT',
    path: '/v1/runs/{runId}/labels',
    function: 'admission',
    scope: 'runner',
    summary: "Replace a run's labels",
  },
  {
    method: 'POST',
    path: '/v1/runs/{runId}/tasks',
    function: 'admission',
    scope: 'runner',
    summary: 'Ask to start a further phase of a run',
  },
  {
    method: 'GET',
    path: '/v1/runs/{runId}/events',
    function: 'coordination',
    scope: 'runner',
    summary: "A run's timeline",
  },
  {
    method: 'PUT',
    path: '/v1/runs/{runId}/budget',
    function: 'budget',
    scope: 'runner',
    summary: "Change a run's budget",
  },
  {
    method: 'POST',
    path: '/v1/runs/{runId}/costs',
    function: 'budget',
    scope: 'runner',
    summary: 'Report cost events',
  },
  {
    method: 'GET',
    path: '/v1/prices',
    function: 'budget',
    scope: 'operator',
    summary: "The operator's price table",
  },
  {
    method: 'PUT',
    path: '/v1/prices',
    function: 'budget',
    scope: 'operator',
    summary: "Set the operator's price table",
  },
  {
    method: 'POST',
    path: '/v1/prices/repricings',
    function: 'budget',
    scope: 'operator',
    summary: 'Price recorded usage again',
  },
  {
    method: 'POST',
    path: '/v1/runs/{runId}/deliberations',
    function: 'deliberation',
    scope: 'runner',
    summary: 'Score reasoning',
  },
  { method: 'GET', path: '/v1/tasks/{taskId}', function: 'admission', scope: 'runner', summary: 'A task' },
  {
    method: 'POST',
    path: '/v1/tasks/{taskId}/claim',
    function: 'admission',
    scope: 'runner',
    summary: 'Claim a granted task',
  },
  {
    method: 'POST',
    path: '/v1/claims',
    function: 'admission',
    scope: 'runner',
    summary: 'Claim the best granted tasks',
  },
  {
    method: 'POST',
    path: '/v1/tasks/{taskId}/heartbeat',
    function: 'admission',
    scope: 'runner',
    summary: 'Renew a lease and hear directives',
  },
  {
    method: 'POST',
    path: '/v1/tasks/{taskId}/checkpoints',
    function: 'admission',
    scope: 'runner',
    summary: 'Store a checkpoint',
  },
  {
    method: 'POST',
    path: '/v1/tasks/{taskId}/complete',
    function: 'admission',
    scope: 'runner',
    summary: 'End a task',
  },
  {
    method: 'POST',
    path: '/v1/tasks/{taskId}/cancel',
    function: 'admission',
    scope: 'runner',
    summary: 'Cancel a task',
  },
  {
    method: 'POST',
    path: '/v1/tasks/{taskId}/preempt',
    function: 'admission',
    scope: 'operator',
    summary: 'Preempt a running task',
  },
  {
    method: 'POST',
    path: '/v1/tasks/{taskId}/resume',
    function: 'admission',
    scope: 'runner',
    summary: 'Resume a paused task',
  },
  {
    method: 'GET',
    path: '/v1/queue',
    function: 'admission',
    scope: 'runner',
    summary: 'Waiting tasks in order',
  },
  {
    method: 'GET',
    path: '/v1/tenants/{tenantId}/quotas',
    function: 'admission',
    scope: 'runner',
    summary: "A tenant's quotas",
  },
  {
    method: 'PUT',
    path: '/v1/tenants/{tenantId}/quotas',
    function: 'admission',
    scope: 'operator',
    summary: "Set a tenant's quotas",
  },
  {
    method: 'GET',
    path: '/v1/tenants/{tenantId}/usage',
    function: 'admission',
    scope: 'runner',
    summary: "A tenant's usage",
  },
  {
    method: 'GET',
    path: '/v1/tenants/{tenantId}/violations',
    function: 'admission',
    scope: 'runner',
    summary: "A tenant's violations",
  },
  { method: 'GET', path: '/v1/pool', function: 'admission', scope: 'runner', summary: 'The pool' },
  { method: 'PUT', path: '/v1/pool', function: 'admission', scope: 'operator', summary: 'Set the pool' },
  {
    method: 'POST',
    path: '/v1/tenants/{tenantId}/keys',
    function: 'access',
    scope: 'operator',
    summary: 'Make a key',
  },
  {
    method: 'GET',
    path: '/v1/tenants/{tenantId}/keys',
    function: 'access',
    scope: 'operator',
    summary: "A tenant's keys",
  },
  {
    method: 'DELETE',
    path: '/v1/tenants/{tenantId}/keys/{keyId}',
    function: 'access',
    scope: 'operator',
    summary: 'Revoke a key',
  },
  {
    method: 'GET',
    path: '/v1/decisions/{decisionId}',
    function: 'admission',
    scope: 'operator',
    summary: 'A stored decision',
  },
  {
    method: 'POST',
    path: '/v1/sweep',
    function: 'coordination',
    scope: 'operator',
    summary: 'Run every timed duty once',
  },
  { method: 'GET', path: '/v1/health', function: 'coordination', scope: 'public', summary: 'Health' },
  {
    method: 'GET',
    path: '/v1/openapi.json',
    function: 'coordination',
    scope: 'public',
    summary: 'The OpenAPI document',
  },
  {
    method: 'GET',
    path: '/console',
    function: 'coordination',
    scope: 'public',
    summary: 'A page to look at the stage',
  },
] as const satisfies readonly Route[];

type Routes = (typeof routes)[number];
type KeyOf<R> = R extends Route ? `${R['method']} ${R['path']}` : never;

/** What API Gateway calls the route key, such as `POST /v1/runs`; of one Lambda when `F` names it. */
export type RouteKey<F extends ApiFunction = ApiFunction> = KeyOf<Extract<Routes, { readonly function: F }>>;
