import { RecentCalls } from './recent-calls.ts';

/** `closed`: calls pass. `open`: none does. `half-open`: one does, to see whether the rest may. */
export type CircuitState = 'closed' | 'open' | 'half-open';

/** What a circuit decides by. */
export interface CircuitRules {
  /** So many failures within the window open it. */
  readonly failures: number;
  /** And only where they are at least this share of the calls within the window, from 0 to 1. */
  readonly ratio: number;
  readonly windowMs: number;
  readonly openMs: number;
  /** How long a probe may take until another call is let through in its place. */
  readonly probeMs: number;
}

/** Leave to make one call; how that went is to be settled with it. */
export interface Pass {
  readonly admitted: true;
  /** Of which phase of the circuit it is: what an earlier one brings does not count any more. */
  readonly phase: number;
}

/** The call must not be made. */
export interface Refused {
  readonly admitted: false;
  /** Milliseconds until the first call may pass again; 0 where that depends on a probe under way. */
  readonly retryAfterMs: number;
}

/** How a call went. `neither`: it says nothing about the health of what was called. */
export type CallVerdict = 'success' | 'failure' | 'neither';

/**
 * The states of one circuit: what passes, and what follows from how calls went. Pure: it decides by what it is told alone, and
 * needs neither timers nor promises. All times are monotonic milliseconds of one clock.
 */
export class Circuit {
  state: CircuitState = 'closed';
  readonly recent: RecentCalls;
  /** When it was last asked or told anything. */
  lastUsedAt = 0;
  readonly #rules: CircuitRules;
  #phase = 0;
  #openedAt = 0;
  /** When the probe has taken too long; -Infinity where none is under way. */
  #probeLapsesAt = Number.NEGATIVE_INFINITY;

  constructor(rules: CircuitRules) {
    this.#rules = rules;
    this.recent = new RecentCalls(rules.windowMs);
  }

  /** Asks whether a call may be made. */
  admit(now: number): Pass | Refused {
    this.lastUsedAt = now;
    if (this.state === 'closed') return { admitted: true, phase: this.#phase };
    if (this.state === 'open') {
      const retryAfterMs = this.#openedAt + this.#rules.openMs - now;
      if (retryAfterMs > 0) return { admitted: false, retryAfterMs: Math.ceil(retryAfterMs) };
    } else if (now < this.#probeLapsesAt) return { admitted: false, retryAfterMs: 0 };
    this.#enter('half-open');
    this.#probeLapsesAt = now + this.#rules.probeMs;
    return { admitted: true, phase: this.#phase };
  }

  /** Says how a call that was let through went: once for each pass. After a change of state it does nothing. */
  settle({ phase }: Pass, verdict: CallVerdict, now: number): void {
    this.lastUsedAt = now;
    if (phase !== this.#phase) return;
    if (this.state === 'closed') this.#settleClosed(verdict, now);
    else if (verdict === 'failure') this.#open(now);
    else if (verdict === 'success') this.#close();
    // The next call is the probe: this one has shown nothing.
    else this.#enter('half-open');
  }

  /** Whether nothing was asked of it for so long that it can be forgotten: what it knows is out of date. */
  isStale(now: number): boolean {
    return now - this.lastUsedAt >= this.#rules.openMs + this.#rules.windowMs;
  }

  #settleClosed(verdict: CallVerdict, now: number): void {
    if (verdict === 'neither') return;
    this.recent.record(verdict === 'failure', now);
    const { failures, calls } = this.recent;
    if (failures >= this.#rules.failures && failures >= this.#rules.ratio * calls) this.#open(now);
  }

  #open(now: number): void {
    this.#enter('open');
    this.#openedAt = now;
  }

  #close(): void {
    this.#enter('closed');
    this.recent.clear();
  }

  #enter(state: CircuitState): void {
    this.state = state;
    this.#phase++;
    this.#probeLapsesAt = Number.NEGATIVE_INFINITY;
  }
}
