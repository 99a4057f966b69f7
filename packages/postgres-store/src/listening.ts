import type { PgListenClient, PgListenPool, PgNotification } from './pg-pool.ts';

/** The wait between two connections, milliseconds: doubled each time up to the longest, and any part of its second half. */
const [firstPauseMs, longestPauseMs] = [100, 10_000];

/** One connection after another that listens, until it is stopped. */
export class Listening {
  /** Resolves when the first connection listens, and rejects where it cannot; others are tried for as long as it takes. */
  readonly begun: Promise<void>;
  readonly #pool: PgListenPool;
  readonly #channel: string;
  readonly #tell: (payload: string | undefined) => void;
  readonly #stopping = new AbortController();
  /** Until the connection that is held was given back. */
  #held: Promise<unknown> = Promise.resolve();

  /**
   * @param channel - Quoted.
   * @param tell - Called with what each notice holds, and with nothing where some may have been missed.
   */
  constructor(pool: PgListenPool, channel: string, tell: (payload: string | undefined) => void) {
    this.#pool = pool;
    this.#channel = channel;
    this.#tell = tell;
    this.begun = new Promise((resolve, reject) => void this.#keepOn(resolve, reject));
  }

  /** Resolves when no connection is held. One that is being made meanwhile is given back as soon as it is there. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#held;
  }

  async #keepOn(began: () => void, failed: (error: unknown) => void): Promise<void> {
    const { signal } = this.#stopping;
    let hasBegun = false;
    let failures = 0;
    const listens = (): void => {
      failures = 0;
      // What was answered since the connection was lost has been told to nobody. In a turn of its own: what is thrown by those who
      // watch is no failure of the connection.
      if (hasBegun) queueMicrotask(() => this.#tell(undefined));
      hasBegun = true;
      began();
    };
    while (!signal.aborted) {
      try {
        const client = await this.#pool.connect();
        const listened = this.#listen(client, listens);
        this.#held = listened.catch(() => {});
        await listened;
      } catch (error) {
        if (!hasBegun) return failed(error);
        await pause(Math.min(firstPauseMs * 2 ** failures++, longestPauseMs), signal);
      }
    }
  }

  /** Resolves when it was stopped and the connection is given back, rejects when the connection is lost. */
  async #listen(client: PgListenClient, listens: () => void): Promise<void> {
    const { signal } = this.#stopping;
    if (signal.aborted) return client.release();
    const tell = ({ payload }: PgNotification): void => this.#tell(payload);
    let isOver = (_error?: Error): void => {};
    const over = new Promise<Error | undefined>((resolve) => {
      isOver = (error) => resolve(error);
    });
    const end = (): void => isOver(new Error('The connection was ended.'));
    const stop = (): void => isOver();
    const leave = (error?: Error): void => {
      signal.removeEventListener('abort', stop);
      client.off('notification', tell);
      client.off('end', end);
      client.off('error', isOver);
      client.release(error);
    };
    client.on('error', isOver);
    client.on('end', end);
    client.on('notification', tell);
    signal.addEventListener('abort', stop);
    try {
      await client.query(`LISTEN ${this.#channel}`);
      listens();
      const lost = await over;
      if (lost !== undefined) throw lost;
      await client.query(`UNLISTEN ${this.#channel}`);
    } catch (error) {
      leave(error as Error);
      throw error;
    }
    leave();
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(done, ms * (0.5 + Math.random() / 2));
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done);
  });
}
