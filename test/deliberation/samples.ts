/** Small texts written for these tests: sound reasoning about three goals. */
export type Sample = { readonly goal: string; readonly steps: readonly string[] };

export const cache: Sample = {
  goal: 'Reduce the p95 latency of the checkout service below 300 ms without adding servers.',
  steps: [
    'We need to find where the checkout service spends its 480 ms at p95.',
    'Traces show that 210 ms go to the tax lookup, because each cart line calls the tax API on its own.',
    'A batch call to the tax API takes 40 ms for twenty lines, so batching the tax lookup saves about 170 ms.',
    'Alternatively we could cache tax rates per postcode, but stale rates risk wrong invoices.',
    'If the tax API rejects a batch, the service falls back to single calls and the latency is what it is today.',
    'We check the change with a replay of the load of Friday against staging.',
    'Therefore batching the tax lookup brings checkout from 480 ms to about 310 ms, and trimming the 30 ms session read brings the p95 latency below 300 ms without new servers.',
  ],
};

export const orchard: Sample = {
  goal: 'An orchard has 12 rows of 15 apple trees. Each tree gives 40 kg of apples. How many crates of 25 kg does the farmer need?',
  steps: [
    'First, the orchard has 12 * 15 = 180 apple trees.',
    'Each tree gives 40 kg, so the 180 trees give 180 * 40 = 7200 kg of apples.',
    'A crate holds 25 kg, which means the farmer needs 7200 / 25 = 288 crates.',
    'Therefore, the farmer needs 288 crates for the apples.',
  ],
};

export const whale: Sample = {
  goal: 'Which organ lets a sperm whale find squid in the dark of the deep sea?',
  steps: [
    'I need to find how a sperm whale senses prey in the deep sea.',
    'Sperm whales hunt giant squid at depths of 1000 metres, where no light arrives.',
    'In the dark they use echolocation: they send clicks and listen for echoes from the squid.',
    'The clicks are focused by the spermaceti organ, a large oil-filled structure in the head of the whale.',
    'So the spermaceti organ lets a sperm whale find squid in the dark.',
  ],
};

export const samples: readonly Sample[] = [cache, orchard, whale];

export const textOf = (sample: Sample): string => sample.steps.join('\n');
