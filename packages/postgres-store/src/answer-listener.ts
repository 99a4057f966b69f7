import type { AnsweredWait } from '@stageflow/core/ports';
import { fromColumn } from './column-text.ts';
import { Listening } from './listening.ts';
import type { PgListenPool } from './pg-pool.ts';

interface Watcher {
  readonly onAnswer: (answered: AnsweredWait) => void;
}

/** What is said where it is not known which wait was answered, or whether any was. */
const unknownWait: AnsweredWait = { runId: '', waitId: '' };

/** Tells those who watch of answers, over one connection that is there while anybody does. */
export class AnswerListener {
  readonly #pool: PgListenPool;
  readonly #channel: string;
  readonly #watchers = new Set<Watcher>();
  #listening: Listening | undefined;

  /** @param channel - Quoted. */
  constructor(pool: PgListenPool, channel: string) {
    this.#pool = pool;
    this.#channel = channel;
  }

  /** Resolves once the server tells of answers, to what ends that. Rejects where the first connection cannot be made. */
  async watch(onAnswer: Watcher['onAnswer']): Promise<() => Promise<void>> {
    const watcher = { onAnswer };
    this.#watchers.add(watcher);
    this.#listening ??= new Listening(this.#pool, this.#channel, (payload) => this.#tell(payload));
    const listening = this.#listening;
    const leave = async (): Promise<void> => {
      this.#watchers.delete(watcher);
      if (this.#watchers.size > 0 || this.#listening !== listening) return;
      this.#listening = undefined;
      await listening.stop();
    };
    try {
      await listening.begun;
    } catch (error) {
      await leave();
      throw error;
    }
    return leave;
  }

  #tell(payload: string | undefined): void {
    const answered = answeredIn(payload);
    for (const { onAnswer } of this.#watchers) onAnswer(answered);
  }
}

/** What a payload says; others than this store may notify on its channel, too. */
function answeredIn(payload: string | undefined): AnsweredWait {
  try {
    const ids: unknown = JSON.parse(payload ?? '');
    if (!Array.isArray(ids) || ids.length !== 2 || !ids.every((id) => typeof id === 'string')) return unknownWait;
    const [runId, waitId] = ids.map(fromColumn) as [string, string];
    return { runId, waitId };
  } catch {
    return unknownWait;
  }
}
