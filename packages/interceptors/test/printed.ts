import { Writable } from 'node:stream';
import type { ConsoleStream } from '@stageflow/interceptors/sinks';

/** A stream that keeps what is written to it, and can be made to have no room. */
export class Printed extends Writable implements ConsoleStream {
  text = '';
  isTTY: boolean | undefined;
  columns: number | undefined;
  readonly #held: (() => void)[] = [];
  #isFull = false;

  constructor({ columns, isFull = false }: { readonly columns?: number | undefined; readonly isFull?: boolean } = {}) {
    super({ highWaterMark: isFull ? 1 : 1_000_000, decodeStrings: false });
    this.columns = columns;
    this.isTTY = columns !== undefined;
    this.#isFull = isFull;
  }

  get lines(): readonly string[] {
    return this.text.split('\n').slice(0, -1);
  }

  /** From now on there is room. */
  makeRoom(): void {
    this.#isFull = false;
    for (const goOn of this.#held.splice(0)) goOn();
  }

  override _write(text: string, _encoding: string, done: () => void): void {
    this.text += text;
    if (this.#isFull) this.#held.push(done);
    else done();
  }
}
