/** Shapes of the coordination routes: a run's timeline, the sweep, health. */

import * as z from 'zod';
import { pageQuery } from '../platform/page.ts';
import { id, instantOut, pageOf } from '../platform/schema.ts';

// GET /v1/runs/{runId}/events

/** An operator names the tenant, since run ids are unique within a tenant only. */
export const timelineQuery = pageQuery.extend({ tenantId: id.optional() });
export type TimelineQuery = z.infer<typeof timelineQuery>;

/** An event, or a stored decision, in the order in which they happened. */
export const timelineItem = z.looseObject({
  kind: z.enum(['event', 'decision']),
  id: z.string(),
  type: z.string(),
  at: instantOut,
  taskId: z.string().nullable(),
});
export type TimelineItem = z.infer<typeof timelineItem>;

export const timeline = pageOf(timelineItem);

// POST /v1/sweep

/** What each timed duty did, counted. */
export const sweepAnswer = z.looseObject({ at: instantOut });
export type SweepAnswer = z.infer<typeof sweepAnswer>;

// GET /v1/health

export const healthAnswer = z.looseObject({ status: z.enum(['ok', 'unavailable']) });
export type HealthAnswer = z.infer<typeof healthAnswer>;
