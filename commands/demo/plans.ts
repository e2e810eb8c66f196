/** A goal and two plans for it, one to reject and one to pass. */

export const goal = 'Reduce the p95 latency of the checkout service below 300 ms without adding servers.';

export const poorPlan = [
  'The tax lookup is slow.',
  'The tax lookup is not slow.',
  'We deploy on Friday.',
  'Apples are red and the office has a new coffee machine.',
].join('\n');

export const soundPlan = [
  'We need to find where the checkout service spends its 480 ms at p95.',
  'Traces show that 210 ms go to the tax lookup, because each cart line calls the tax API on its own.',
  'A batch call to the tax API takes 40 ms for twenty lines, so batching the tax lookup saves about 170 ms.',
  'Alternatively we could cache tax rates per postcode, but stale rates risk wrong invoices.',
  'If the tax API rejects a batch, the service falls back to single calls and the latency is what it is today.',
  'We check the change with a replay of the load of Friday against staging.',
  'Therefore batching the tax lookup brings checkout from 480 ms to about 310 ms, and trimming the 30 ms session read brings the p95 latency below 300 ms without new servers.',
].join('\n');
