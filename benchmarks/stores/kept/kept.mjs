/**
 * @typedef {object} Kept What is known of a place besides what the contender does there.
 * @property {StatementCounter} counter
 * @property {string} setting How durable it is, asked of the place itself.
 * @property {() => Promise<number>} keptBytes Of everything kept there, indexes included, after it was packed.
 * @property {(() => Promise<number>) | undefined} writtenBytes Of its log so far; there is none in memory.
 * @property {(isOn: boolean) => void} keepsLog Whether the log is kept from being written back, so that it can be measured.
 */

const begins = /^\s*(BEGIN|START\s+TRANSACTION)/i;
const commits = /^\s*(COMMIT|END)/i;
const rollsBack = /^\s*ROLLBACK/i;
const writes = /\b(INSERT|UPDATE|DELETE|MERGE)\b/i;

/** Counts what a contender sends: every statement, and the transactions among them that write. */
export class StatementCounter {
  statements = 0;
  commits = 0;
  /** By connection, of those in a transaction: whether it has written. */
  #hasWritten = new Map();

  /**
   * @param {object} connection
   * @param {string} text
   */
  note(connection, text) {
    this.statements++;
    if (begins.test(text)) this.#hasWritten.set(connection, false);
    else if (commits.test(text)) this.#end(connection);
    else if (rollsBack.test(text)) this.#hasWritten.delete(connection);
    else if (writes.test(text)) this.#write(connection);
  }

  #write(connection) {
    if (this.#hasWritten.has(connection)) this.#hasWritten.set(connection, true);
    else this.commits++;
  }

  #end(connection) {
    if (this.#hasWritten.get(connection)) this.commits++;
    this.#hasWritten.delete(connection);
  }
}
