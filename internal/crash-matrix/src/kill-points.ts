import { AsyncLocalStorage } from 'node:async_hooks';
import { writeSync } from 'node:fs';
import type { RunStore } from '@stageflow/core/ports';

/** What a store is asked to write. Leases are renewed by the clock, so that is no point one can come back to. */
const writes = ['create', 'acquire', 'commit', 'answer'] as const;

type Write = (typeof writes)[number];

/** Where in a write: before anything of it was asked of the database, while it was, or when the database had said that it is done. */
export type Phase = 'before' | 'inside' | 'after';

/** Says each point that the writes of a store come by, and kills this process at one of them. */
export class KillPoints {
  readonly #killAt: string;
  readonly #current = new AsyncLocalStorage<Write>();
  readonly #counts = new Map<string, number>();

  /** @param killAt - A point, such as `commit inside 3`: the third one inside a commit. Any other text for none. */
  constructor(killAt: string) {
    this.#killAt = killAt;
  }

  /** Whether this is asked on behalf of a write that has points. */
  get isWriting(): boolean {
    return this.#current.getStore() !== undefined;
  }

  /** Told to whoever started this process before anything else happens: what is in a pipe outlives who wrote it. */
  reach(phase: Phase): void {
    const write = this.#current.getStore();
    if (write === undefined) return;
    const kind = `${write} ${phase}`;
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    writeSync(1, `point ${kind} ${count}\n`);
    if (`${kind} ${count}` === this.#killAt) die();
  }

  /** The store, whose writes are known here while they last. */
  watch(store: RunStore): RunStore {
    return new Proxy(store, {
      get: (_, member) => {
        const found: unknown = Reflect.get(store, member);
        if (typeof found !== 'function') return found;
        const write = writes.find((name) => name === member);
        if (write === undefined) return found.bind(store);
        return (...args: readonly unknown[]) => this.#current.run(write, () => found.apply(store, args));
      },
    });
  }
}

function die(): never {
  process.kill(process.pid, 'SIGKILL');
  // The signal is on its way; nothing else may happen until it is here.
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
