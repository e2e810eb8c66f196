import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';

/**
 * Lines of a UTF-8 file in order, unpacked when its name ends in `.gz`. Empty lines come too, so that a count of
 * them is the line number; the end of the last line adds none.
 *
 * @throws Error naming the file when it cannot be read or unpacked
 */
export async function* readLines(path: string): AsyncGenerator<string> {
  const file = createReadStream(path);
  // The pipeline hands a failure of the file on to the loop below; its own callback has nothing to add.
  const bytes = path.endsWith('.gz') ? pipeline(file, createGunzip(), () => {}) : file;
  let rest = '';
  try {
    for await (const chunk of bytes.setEncoding('utf8')) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield line.endsWith('\r') ? line.slice(0, -1) : line;
    }
  } catch (error) {
    throw new Error(`Cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
  if (rest !== '') yield rest;
}

export type Progress = {
  /** Counts one piece of work. */
  tick(): void;
  /** Ends the display. */
  done(): void;
};

const terminal_interval_ms = 500;
const log_interval_ms = 10_000;

/** Progress on standard error: a line that overwrites itself on a terminal, now and then a new line elsewhere. */
export function progress(unit: string, total?: number): Progress {
  const terminal = process.stderr.isTTY === true;
  const interval_ms = terminal ? terminal_interval_ms : log_interval_ms;
  const started_ms = performance.now();
  let last_ms = started_ms;
  let count = 0;
  let written = false;
  const show = () => {
    const seconds = ((performance.now() - started_ms) / 1000).toFixed(0);
    const line = `${count}${total === undefined ? '' : ` of ${total}`} ${unit}, ${seconds} s`;
    process.stderr.write(terminal ? `\r${line}` : `${line}\n`);
    written = true;
  };
  return {
    tick() {
      count += 1;
      if (performance.now() - last_ms < interval_ms) return;
      last_ms = performance.now();
      show();
    },
    done() {
      if (!written) return;
      show();
      if (terminal) process.stderr.write('\n');
    },
  };
}
