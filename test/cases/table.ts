/** docs/peer-cases.md: what came of every case, as text. */

import { differences, remarks } from './differences.ts';
import type { PeerCase } from './peer-case.ts';

export type Result = { readonly peerCase: PeerCase; readonly agrees: boolean };

const peers: Readonly<Record<string, string>> = {
  'kubernetes-sigs/kueue': 'Kueue',
  'BerriAI/litellm': 'LiteLLM',
  'openmeterio/openmeter': 'OpenMeter',
  'inngest/inngest': 'Inngest',
  'hatchet-dev/hatchet': 'Hatchet',
};

export function tableOf(results: readonly Result[]): string {
  const agreeing = results.filter(({ agrees }) => agrees).length;
  return `# Cases of other systems, decided by ours

Systems with the same questions have test suites of their own. ${results.length} of their cases have been retold in one
form: what is given, what happens, what follows. Each is played over the HTTP contract alone, in virtual time:
quotas and pool are set as given, what runs has been admitted and has run for two minutes, what waits was kept waiting by
another tenant's P0 task which is gone when the case begins. Ours gives the peer's answer in ${agreeing} of ${results.length}.

This page is written by the tests. \`npm test -- test/cases\` plays the cases and fails when the page is out of date;
\`UPDATE_CASES=1 npm test -- test/cases\` writes it anew.

| column | says |
|---|---|
| case | its id; the name of its test, which goes on with why the peer decides so |
| peer | whose test suite it is from |
| area | what it is about |
| agreement | \`must\`: any sound system answers so, and ours has to. \`should\`: another answer needs a reason. \`policy\`: the peer's own choice |
| ours | \`same\`: the peer's answer. \`differs\`: another one, with the reason beside it. \`FAILS\`: another one without a reason |
| note | of a difference: what ours does, and the rule that says so. Else how the case is said in the words of the contract |

| case | peer | area | agreement | ours | note |
|---|---|---|---|---|---|
${results.map(rowOf).join('\n')}

## Where the cases come from

Only facts were taken from the test suites: who is there, what is asked, what is decided. No code and no text of theirs
is in this project, and the retold cases lie beside it, not in it; without them the tests say so and are skipped.

| peer | source | licence |
|---|---|---|
| Kueue | kubernetes-sigs/kueue | Apache-2.0 |
| LiteLLM | BerriAI/litellm | MIT, outside its folder \`enterprise\` |
| OpenMeter | openmeterio/openmeter | Apache-2.0 |
| Inngest | inngest/inngest | SSPL 1.0, Apache-2.0 later |
| Hatchet | hatchet-dev/hatchet | MIT |
`;
}

function rowOf({ peerCase, agrees }: Result): string {
  const { id, source, area, agreement } = peerCase;
  const difference = differences[id];
  const ours = agrees ? 'same' : difference === undefined ? 'FAILS' : 'differs';
  const note = difference === undefined ? (remarks[id] ?? '') : `${difference.ours} (${difference.rule})`;
  return `| ${id} | ${peerOf(source)} | ${area} | ${agreement} | ${ours} | ${note} |`;
}

function peerOf(source: string): string {
  const repository = source.split(/[@ ]/)[0] ?? source;
  return peers[repository] ?? repository;
}
