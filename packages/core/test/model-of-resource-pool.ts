import type { Refusal } from '../src/limits/ticket.ts';

/** What an owner does once told: of a grant, and where that makes sense of a refusal. */
export type Reaction = 'nothing' | 'gives it back' | 'asks again' | 'cancels another';

/** One request of a script. */
export interface Asked {
  readonly key: string;
  readonly priority: number;
  readonly reaction: Reaction;
}

/** Options of a pool, flat. */
export interface Settings {
  readonly capacity: number;
  readonly perKey: number | undefined;
  readonly limit: number | undefined;
  readonly timeoutMs: number | undefined;
  readonly ageingMs: number;
  readonly atUtilization: number | undefined;
  readonly atQueue: number | undefined;
  readonly atWaitMs: number | undefined;
  readonly clearRatio: number;
}

/** A request and what became of it. */
export interface Entry extends Asked {
  readonly id: number;
  readonly since: number;
  state: 'waiting' | 'granted' | 'held' | 'refused' | 'ended';
  refusal: Refusal | undefined;
  isToBeTold: boolean;
}

/** The pool in few words: lists, and a look at all of them after each step. */
export class PoolModel {
  readonly told: string[] = [];
  readonly entries: Entry[] = [];
  readonly waits: number[] = [];
  now = 0;
  refused = 0;
  timedOut = 0;
  overloaded = false;
  readonly #settings: Settings;
  #untold: Entry[] = [];
  #toldOverloaded = false;
  #closed = false;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  get inUse(): number {
    return this.#using().length;
  }

  get waiting(): readonly Entry[] {
    return this.entries.filter(({ state }) => state === 'waiting');
  }

  acquire(asked: Asked): void {
    const entry: Entry = { ...asked, id: this.entries.length, since: this.now, state: 'waiting', refusal: undefined, isToBeTold: true };
    if (this.#closed) {
      this.#refuse(entry, 'closed');
      entry.isToBeTold = false;
    } else if (this.#hasRoom(entry.key)) {
      entry.state = 'held';
      entry.isToBeTold = false;
      this.waits.push(0);
    } else {
      this.#expire();
      if (this.waiting.length >= (this.#settings.limit ?? Number.POSITIVE_INFINITY)) {
        this.#refuse(entry, 'queue_full');
        entry.isToBeTold = false;
      }
    }
    this.entries.push(entry);
    if (!this.#closed) this.settle();
  }

  release(id: number): void {
    const entry = this.entries[id] as Entry;
    entry.isToBeTold = false;
    if (entry.state === 'refused' || entry.state === 'ended') return;
    entry.state = 'ended';
    this.settle();
  }

  cancel(id: number): void {
    if (this.entries[id]?.state !== 'held') this.release(id);
  }

  abort(id: number): void {
    const entry = this.entries[id] as Entry;
    if (entry.state !== 'waiting' && entry.state !== 'granted') return;
    this.#refuse(entry, 'aborted');
    this.settle();
  }

  close(): void {
    this.#expire();
    for (const entry of this.waiting) this.#refuse(entry, 'closed');
    this.#closed = true;
    this.settle();
  }

  block(ms: number): void {
    this.now += ms;
  }

  advance(ms: number): void {
    const until = this.now + ms;
    this.turn();
    for (let next = this.#nextMoment(); next <= until; next = this.#nextMoment()) {
      this.now = Math.max(this.now, next);
      this.settle();
      this.turn();
    }
    this.now = until;
  }

  /** Everybody is told. */
  turn(): void {
    while (this.#untold.length > 0 || this.overloaded !== this.#toldOverloaded) {
      const batch = this.#untold;
      this.#untold = [];
      for (const entry of batch) this.#tell(entry);
      if (this.overloaded === this.#toldOverloaded) continue;
      this.#toldOverloaded = this.overloaded;
      this.told.push(this.overloaded ? 'overloaded' : 'relieved');
    }
  }

  settle(): void {
    this.#expire();
    for (let next = this.#nextInLine(); next !== undefined; next = this.#nextInLine()) {
      next.state = 'granted';
      this.waits.push(this.now - next.since);
      this.#untold.push(next);
    }
    const { capacity, atUtilization = Infinity, atQueue = Infinity, atWaitMs = Infinity, clearRatio } = this.#settings;
    const share = this.overloaded ? clearRatio : 1;
    const longestMs = Math.max(-1, ...this.waiting.map(({ since }) => this.now - since));
    this.overloaded =
      this.inUse / capacity >= atUtilization * share || this.waiting.length >= atQueue * share || longestMs >= atWaitMs * share;
  }

  #tell(entry: Entry): void {
    if (!entry.isToBeTold) return;
    entry.isToBeTold = false;
    if (entry.state === 'granted') entry.state = 'held';
    this.told.push(entry.state === 'held' ? `${entry.id} granted` : `${entry.id} refused: ${entry.refusal}`);
    if (entry.reaction === 'asks again') this.acquire({ ...entry, reaction: 'nothing' });
    if (entry.state !== 'held') return;
    if (entry.reaction === 'gives it back') this.release(entry.id);
    const other = this.entries.find(({ state }) => state === 'waiting' || state === 'granted');
    if (entry.reaction === 'cancels another' && other !== undefined) this.cancel(other.id);
  }

  #using(): readonly Entry[] {
    return this.entries.filter(({ state }) => state === 'held' || state === 'granted');
  }

  #hasRoom(key: string): boolean {
    const using = this.#using();
    const { capacity, perKey = Infinity } = this.#settings;
    return using.length < capacity && using.filter((entry) => entry.key === key).length < perKey;
  }

  /** Of those for whom there is room, the one of the highest priority, its age counted in; of equals the first. */
  #nextInLine(): Entry | undefined {
    const { ageingMs } = this.#settings;
    const urgency = ({ priority, since }: Entry): number => priority * ageingMs + (this.now - since);
    return this.waiting.filter(({ key }) => this.#hasRoom(key)).toSorted((left, right) => urgency(right) - urgency(left))[0];
  }

  #expire(): void {
    for (const entry of this.waiting) {
      if (this.now - entry.since >= (this.#settings.timeoutMs ?? Number.POSITIVE_INFINITY)) this.#refuse(entry, 'queue_timeout');
    }
  }

  #refuse(entry: Entry, refusal: Refusal): void {
    // One that was granted lies among the untold already.
    if (entry.state === 'waiting') this.#untold.push(entry);
    entry.state = 'refused';
    entry.refusal = refusal;
    if (refusal === 'queue_timeout') this.timedOut++;
    else if (refusal !== 'aborted') this.refused++;
  }

  #nextMoment(): number {
    const { timeoutMs = Infinity, atWaitMs = Infinity } = this.#settings;
    const patienceMs = Math.min(timeoutMs, this.overloaded ? Number.POSITIVE_INFINITY : atWaitMs);
    return Math.min(Number.POSITIVE_INFINITY, ...this.waiting.map(({ since }) => since + patienceMs));
  }
}
