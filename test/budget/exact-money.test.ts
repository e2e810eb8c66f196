/** B1: money is exact from the text of a request to the sum of the ledger. */

import { afterEach, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { withDatabase } from '../setup/database.ts';
import { expectNoDrift, worldOf } from './world.ts';

const database = withDatabase();
const world = worldOf(database);
afterEach(() => expectNoDrift(database));

let tenants = 0;

/** A tenant with one run named `run`. */
async function newTenant(): Promise<string> {
  tenants += 1;
  const tenantId = `tenant-${tenants}`;
  await world.setQuotas(tenantId, {});
  await world.start(tenantId, 'run', 1_000_000);
  return tenantId;
}

/** A body as text: `JSON.stringify` would write what a double has left of the amounts. */
const report = (tenantId: string, costs: readonly string[], prefix: string) => {
  const events = costs.map((text, index) => `{"eventId":"${prefix}-${index}","costUSD":${text}}`).join(',');
  return world.api.call({ tenantId }, 'POST', '/v1/runs/run/costs', `{"events":[${events}]}`);
};
const ledger = async (tenantId: string, prefix: string) => {
  const rows = await database.app.query<{ nanos: bigint }>(
    `select cost_usd_nanos as nanos from cost_events where tenant_id = $1 and event_id like $2
     order by split_part(event_id, '-', 2)::int`,
    [tenantId, `${prefix}-%`],
  );
  return rows.map(({ nanos }) => nanos);
};

test('amounts that no double holds arrive as they were written', async () => {
  const tenantId = await newTenant();
  const texts = ['0.000000001', '1e-9', '9007199.254740993', '0.1', '0.2', '0.00000000049999999999999999999'];
  expect((await report(tenantId, texts, 'odd')).body).toMatchObject({ accepted: 6, rejected: [] });
  expect(await ledger(tenantId, 'odd')).toEqual([
    1n,
    1n,
    9_007_199_254_740_993n,
    100_000_000n,
    200_000_000n,
    0n,
  ]);
});

test('a budget keeps every digit, and one with too many is refused', async () => {
  const tenantId = await newTenant();
  const put = (text: string) =>
    world.api.call({ tenantId }, 'PUT', '/v1/runs/run/budget', `{"maxCostUSD":${text},"reason":"digits"}`);
  expect((await put('9007199.254740993')).status).toBe(200);
  const rows = await database.app.query(
    `select limit_usd_nanos from runs where tenant_id = $1 and run_id = 'run'`,
    [tenantId],
  );
  expect(rows).toEqual([{ limit_usd_nanos: 9_007_199_254_740_993n }]);
  expect(await put('1.0000000000000000001')).toMatchObject({
    status: 400,
    body: { errors: [{ path: 'maxCostUSD', message: 'must have at most 9 decimals' }] },
  });
});

test('any texts of up to nine decimals, in any form, add up to the last digit', async () => {
  const amount = fc.record({
    nanos: fc.bigInt({ min: 0n, max: 9_999_999_999_999_999n }),
    form: fc.constantFrom('plain', 'padded', 'exponent'),
  });
  const textOf = (nanos: bigint, form: string): string => {
    if (form === 'exponent') return `${nanos}e-9`;
    const digits = String(nanos).padStart(10, '0');
    const plain = `${digits.slice(0, -9)}.${digits.slice(-9)}`;
    return form === 'padded' ? `${plain}00000000` : plain;
  };
  await fc.assert(
    fc.asyncProperty(fc.array(amount, { minLength: 1, maxLength: 12 }), async (amounts) => {
      const tenantId = await newTenant();
      const texts = amounts.map(({ nanos, form }) => textOf(nanos, form));
      expect((await report(tenantId, texts, 'd')).body).toMatchObject({ accepted: amounts.length });
      expect(await ledger(tenantId, 'd')).toEqual(amounts.map(({ nanos }) => nanos));
      const [run] = await database.app.query<{ spent: bigint }>(
        'select spent_usd_nanos as spent from runs where tenant_id = $1',
        [tenantId],
      );
      expect(run?.spent).toBe(amounts.reduce((sum, { nanos }) => sum + nanos, 0n));
    }),
    { numRuns: 20 },
  );
});

test('a quota of money keeps every digit', async () => {
  const tenantId = await newTenant();
  const put = '{"cost":{"limitUSD":9007199.254740993}}';
  expect((await world.api.call('operator', 'PUT', `/v1/tenants/${tenantId}/quotas`, put)).status).toBe(200);
  const rows = await database.app.query(
    `select limit_value from tenant_quotas where tenant_id = $1 and resource = 'cost'`,
    [tenantId],
  );
  expect(rows).toEqual([{ limit_value: '9007199.254740993' }]);
});
