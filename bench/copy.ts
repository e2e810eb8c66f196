/** `COPY … FROM STDIN` with nothing but pg: the fastest way of rows into a table. */

import type pg from 'pg';

type CopyConnection = pg.Connection & {
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
};

/** @param rows in COPY's text format, each closed by a line feed */
export function copyIn(client: pg.Client, table: string, rows: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let failure: Error | undefined;
    // What pg asks of a query, for this one exchange of messages.
    const copy = {
      submit(connection: pg.Connection) {
        (connection as CopyConnection).query(`copy ${table} from stdin`);
      },
      handleCopyInResponse(connection: CopyConnection) {
        connection.sendCopyFromChunk(Buffer.from(rows));
        connection.endCopyFrom();
      },
      handleCommandComplete() {},
      handleError(error: Error) {
        failure = error;
      },
      handleReadyForQuery() {
        if (failure === undefined) resolve();
        else reject(failure);
      },
    };
    client.query(copy);
  });
}
