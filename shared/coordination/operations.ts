/** What each route takes and answers, for the OpenAPI document; the compiler asks for every route. */

import type * as z from 'zod';
import * as access from '../access/contract.ts';
import * as admission from '../admission/contract.ts';
import * as budget from '../budget/contract.ts';
import * as prices from '../budget/price-contract.ts';
import * as deliberation from '../deliberation/contract.ts';
import type { RouteKey } from '../platform/routes.ts';
import * as coordination from './contract.ts';

/** Shapes with a name of their own in the document. */
export const schemas = {
  AdmissionAnswer: admission.admissionAnswer,
  BudgetChange: budget.budgetChange,
  BudgetStatus: budget.budgetStatus,
  CheckpointAnswer: admission.checkpointAnswer,
  CheckpointRequest: admission.checkpointRequest,
  ClaimRequest: admission.claimRequest,
  ClaimsAnswer: admission.claimsAnswer,
  ClaimsRequest: admission.claimsRequest,
  CompleteRequest: admission.completeRequest,
  CostEvent: budget.costEventDocumented,
  CostReport: budget.costReportDocumented,
  CostReportAnswer: budget.costReportAnswer,
  Decision: admission.decisionAnswer,
  DeliberationAnswer: deliberation.deliberationAnswer,
  DeliberationRequest: deliberation.deliberationRequest,
  Directive: budget.directive,
  Health: coordination.healthAnswer,
  HeartbeatAnswer: admission.heartbeatAnswer,
  HeartbeatRequest: admission.heartbeatRequest,
  Key: access.keyAnswer,
  KeyList: access.keyList,
  KeyListItem: access.keyListItem,
  KeyRequest: access.keyRequest,
  LabelsRequest: admission.labelsRequest,
  OrgBudget: budget.orgBudget,
  OrgBudgetRequest: budget.orgBudgetRequest,
  Pool: admission.poolAnswer,
  PoolRequest: admission.poolRequest,
  PreemptRequest: admission.preemptRequest,
  PriceTable: prices.priceTable,
  PriceTableChange: prices.priceTableChange,
  Problem: admission.problem,
  Queue: admission.queueList,
  QueueItem: admission.queueItem,
  Quotas: admission.quotasAnswer,
  QuotasRequest: admission.quotas,
  Refusal: admission.refusal,
  RefusalReason: admission.refusalReason,
  Repricing: prices.repricingAnswer,
  RepricingRequest: prices.repricingRequest,
  RunList: admission.runList,
  RunRequest: admission.runRequest,
  RunResult: admission.runResult,
  SweepAnswer: coordination.sweepAnswer,
  Task: admission.task,
  TaskRequest: admission.taskRequest,
  Timeline: coordination.timeline,
  TimelineItem: coordination.timelineItem,
  Usage: admission.usageAnswer,
  Violation: admission.violation,
  ViolationList: admission.violationList,
} as const satisfies Record<string, z.ZodType>;

export type SchemaName = keyof typeof schemas;

export type Operation = {
  readonly id: string;
  readonly body?: SchemaName;
  readonly query?: z.ZodType;
  /** Answers by status, refusals beyond the plain problem included; null: any JSON. */
  readonly answers: Readonly<Record<number, SchemaName | null>>;
};

const refusals = { 402: 'Refusal', 409: 'Refusal', 422: 'Refusal', 429: 'Refusal' } as const;
const admitted = {
  200: 'AdmissionAnswer',
  201: 'AdmissionAnswer',
  202: 'AdmissionAnswer',
  ...refusals,
} as const;
const ofTenant = { query: admission.tenantQuery };

/** What the document describes: everything but the page for people. */
export type ApiRouteKey = Exclude<RouteKey, 'GET /console'>;

export const operations: { readonly [K in ApiRouteKey]: Operation } = {
  'POST /v1/runs': { id: 'startRun', body: 'RunRequest', answers: admitted },
  'GET /v1/runs': { id: 'listRuns', query: admission.runListQuery, answers: { 200: 'RunList' } },
  'GET /v1/runs/{runId}': { id: 'getRun', ...ofTenant, answers: { 200: 'RunResult' } },
  'PUT /v1/runs/{runId}/labels': {
    id: 'setLabels',
    ...ofTenant,
    body: 'LabelsRequest',
    answers: { 200: 'RunResult' },
  },
  'POST /v1/runs/{runId}/tasks': { id: 'startTask', body: 'TaskRequest', answers: admitted },
  'GET /v1/runs/{runId}/events': {
    id: 'getTimeline',
    query: coordination.timelineQuery,
    answers: { 200: 'Timeline' },
  },
  'PUT /v1/runs/{runId}/budget': {
    id: 'changeBudget',
    ...ofTenant,
    body: 'BudgetChange',
    answers: { 200: 'BudgetStatus' },
  },
  'POST /v1/runs/{runId}/costs': {
    id: 'reportCosts',
    ...ofTenant,
    body: 'CostReport',
    answers: { 200: 'CostReportAnswer' },
  },
  'GET /v1/prices': { id: 'getPrices', query: prices.priceTableQuery, answers: { 200: 'PriceTable' } },
  'PUT /v1/prices': { id: 'setPrices', body: 'PriceTableChange', answers: { 200: 'PriceTable' } },
  'POST /v1/prices/repricings': { id: 'reprice', body: 'RepricingRequest', answers: { 200: 'Repricing' } },
  'POST /v1/runs/{runId}/deliberations': {
    id: 'scoreDeliberation',
    ...ofTenant,
    body: 'DeliberationRequest',
    answers: { 201: 'DeliberationAnswer' },
  },
  'GET /v1/tasks/{taskId}': { id: 'getTask', ...ofTenant, answers: { 200: 'Task' } },
  'POST /v1/tasks/{taskId}/claim': {
    id: 'claimTask',
    ...ofTenant,
    body: 'ClaimRequest',
    answers: { 200: 'Task' },
  },
  'POST /v1/claims': {
    id: 'claimTasks',
    body: 'ClaimsRequest',
    answers: { 200: 'ClaimsAnswer' },
  },
  'POST /v1/tasks/{taskId}/heartbeat': {
    id: 'heartbeat',
    ...ofTenant,
    body: 'HeartbeatRequest',
    answers: { 200: 'HeartbeatAnswer' },
  },
  'POST /v1/tasks/{taskId}/checkpoints': {
    id: 'storeCheckpoint',
    ...ofTenant,
    body: 'CheckpointRequest',
    answers: { 201: 'CheckpointAnswer' },
  },
  'POST /v1/tasks/{taskId}/complete': {
    id: 'completeTask',
    ...ofTenant,
    body: 'CompleteRequest',
    answers: { 200: 'RunResult' },
  },
  'POST /v1/tasks/{taskId}/cancel': { id: 'cancelTask', ...ofTenant, answers: { 200: 'Task' } },
  'POST /v1/tasks/{taskId}/preempt': {
    id: 'preemptTask',
    ...ofTenant,
    body: 'PreemptRequest',
    answers: { 200: 'Task' },
  },
  'POST /v1/tasks/{taskId}/resume': { id: 'resumeTask', ...ofTenant, answers: { 200: 'Task' } },
  'GET /v1/queue': { id: 'getQueue', query: admission.queueQuery, answers: { 200: 'Queue' } },
  'GET /v1/tenants/{tenantId}/quotas': { id: 'getQuotas', answers: { 200: 'Quotas' } },
  'PUT /v1/tenants/{tenantId}/quotas': {
    id: 'setQuotas',
    body: 'QuotasRequest',
    answers: { 200: 'Quotas' },
  },
  'GET /v1/orgs/{orgId}/budget': { id: 'getOrgBudget', answers: { 200: 'OrgBudget' } },
  'PUT /v1/orgs/{orgId}/budget': {
    id: 'setOrgBudget',
    body: 'OrgBudgetRequest',
    answers: { 200: 'OrgBudget' },
  },
  'GET /v1/tenants/{tenantId}/usage': { id: 'getUsage', answers: { 200: 'Usage' } },
  'GET /v1/tenants/{tenantId}/violations': {
    id: 'listViolations',
    query: admission.violationListQuery,
    answers: { 200: 'ViolationList' },
  },
  'GET /v1/pool': { id: 'getPool', answers: { 200: 'Pool' } },
  'PUT /v1/pool': { id: 'setPool', body: 'PoolRequest', answers: { 200: 'Pool' } },
  'POST /v1/tenants/{tenantId}/keys': { id: 'makeKey', body: 'KeyRequest', answers: { 201: 'Key' } },
  'GET /v1/tenants/{tenantId}/keys': {
    id: 'listKeys',
    query: access.keyListQuery,
    answers: { 200: 'KeyList' },
  },
  'DELETE /v1/tenants/{tenantId}/keys/{keyId}': { id: 'revokeKey', answers: { 200: 'KeyListItem' } },
  'GET /v1/decisions/{decisionId}': { id: 'getDecision', answers: { 200: 'Decision' } },
  'POST /v1/sweep': { id: 'sweep', answers: { 200: 'SweepAnswer' } },
  'GET /v1/health': { id: 'getHealth', answers: { 200: 'Health' } },
  'GET /v1/openapi.json': { id: 'getOpenApi', answers: { 200: null } },
};
