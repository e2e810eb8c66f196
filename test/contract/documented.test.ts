/** The OpenAPI document and the handlers know the same query parameters. */

import { expect, test } from '@jest/globals';
import * as z from 'zod';
import { type ApiRouteKey, operations } from '../../shared/coordination/operations.ts';
import { type RouteKey, routes } from '../../shared/platform/routes.ts';
import { testApi } from '../setup/api.ts';
import { withDatabase } from '../setup/database.ts';
import { requests } from './requests.ts';
import { pathOf } from './world.ts';

const database = withDatabase();
const api = testApi(() => database.app);
const ids = {
  tenantId: 'tenant',
  runId: 'run',
  taskId: 'task',
  keyId: 'key',
  decisionId: 'decision',
  orgId: 'org',
};

/** The console is a page for people, not part of the document. */
const documentedRoutes = routes.filter((route) => `${route.method} ${route.path}` in operations);

test.each(documentedRoutes.map((route) => [`${route.method} ${route.path}`, route] as const))(
  '%s',
  async (key, route) => {
    const { query } = operations[key as ApiRouteKey];
    const documented = query instanceof z.ZodObject ? Object.keys(query.shape) : [];
    const { wrongQuery, body } = requests[key as RouteKey];
    expect(documented.toSorted()).toEqual(Object.keys(wrongQuery).toSorted());
    for (const name of documented) {
      const answer = await api.call('operator', route.method, `${pathOf(route.path, ids)}?${name}=`, body);
      expect(answer.body.errors).toEqual([
        { path: name, message: expect.not.stringContaining('is not a known field') },
      ]);
    }
  },
);
