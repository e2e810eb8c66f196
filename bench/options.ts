import { parseArgs } from 'node:util';
import { lineShapes } from './line-shapes.ts';

const partNames = [...lineShapes.map(({ name }) => name), 'admission', 'metering', 'overshoot', 'scoring'];

export const help = `Usage: npm run bench -- [options]

Measures the decisions on a throw-away Postgres of its own, with commits that reach the disk. Every figure is taken
side by side with yardsticks in the same rounds, above all one single-row UPDATE by primary key; compare the
ratios to it rather than milliseconds, and on a busy machine neither from one run alone.

  --only NAME      one part: ${partNames.slice(0, 3).join(', ')},
                   ${partNames.slice(3).join(', ')}
  --samples N      rounds of each group of the line (default: 200)
  --seconds N      at most so long for each group of the line (default: 30); for both forms of a cell of admission
                   a tenth of it, for a turn of metering a thirtieth
  --json           one JSON document (default: tables)
  --help           this text

Parts: ${lineShapes.map(({ name, title }) => `${name}: ${title}`).join(';\n       ')};
       admission: admissions per second over many connections;
       metering: cost events per second over HTTP and by the queue of a local stage, beside COPY;
       overshoot: what fifty runners of one tenant spend past its pause threshold (B7);
       scoring: what the built-in scorer of reasoning takes for a text, beside counting keywords.
`;

export type BenchOptions = {
  /** Names of the parts to run. */
  readonly parts: readonly string[];
  readonly samples: number;
  readonly seconds: number;
  readonly json: boolean;
};

export type CommandLine = { readonly kind: 'help' } | ({ readonly kind: 'bench' } & BenchOptions);

/** @throws Error saying which option is wrong and how it is written */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      samples: { type: 'string', default: '200' },
      seconds: { type: 'string', default: '30' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return { kind: 'help' };
  if (values.only !== undefined && !partNames.includes(values.only)) {
    throw new Error(`--only: ${values.only} is not one of ${partNames.join(', ')}.`);
  }
  return {
    kind: 'bench',
    parts: values.only === undefined ? partNames : [values.only],
    samples: wholeNumber('--samples', values.samples),
    seconds: wholeNumber('--seconds', values.seconds),
    json: values.json,
  };
}

function wholeNumber(option: string, text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) {
    throw new Error(`${option}: ${text} is not a whole number above zero.`);
  }
  return number;
}
