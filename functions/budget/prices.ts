import { priceTableChange, priceTableQuery, repricingRequest } from '../../shared/budget/price-contract.ts';
import { readPriceTable, setPrices } from '../../shared/budget/price-table.ts';
import { repriceBatch } from '../../shared/budget/repricing.ts';
import { route } from '../../shared/platform/http.ts';
import { conflict, notFound } from '../../shared/platform/problem.ts';

/** GET /v1/prices: the operator's price table in force, or a version before. */
export const getPrices = route({
  query: priceTableQuery,
  handle: async ({ database, query }) => {
    const table = await readPriceTable(database, query.version);
    if (table === null) throw notFound(`Version ${query.version} of the price table`);
    return { status: 200, body: table };
  },
});

/** PUT /v1/prices: the whole table as a new version; those before stay on record. */
export const putPrices = route({
  body: priceTableChange,
  maxBodyBytes: 512 * 1024,
  handle: async ({ database, caller, body, now }) => {
    const { kind, version } = await setPrices(database, body, caller.keyId ?? 'operator', now);
    if (kind === 'changed_meanwhile') {
      throw conflict(
        'price_table_changed',
        `madeFromVersion: version ${version} is in force by now; read it and make the change anew.`,
      );
    }
    return { status: 200, body: await readPriceTable(database, version) };
  },
});

/** POST /v1/prices/repricings: one batch; corrections of an event follow from it, so that repeats are harmless. */
export const postRepricing = route({
  body: repricingRequest,
  handle: async ({ database, caller, body, now }) => ({
    status: 200,
    body: await repriceBatch(database, body, caller.keyId ?? 'operator', now),
  }),
});
