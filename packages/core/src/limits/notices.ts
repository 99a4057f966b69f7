import type { OverloadGauge } from './overload.ts';
import type { PoolTicket } from './ticket.ts';

/** A reaction to it runs as a microtask; cheaper than `queueMicrotask`, which hosts wrap. */
const soon = Promise.resolve();

/** Tells owners of tickets, and the host, what became of what: later, in order, each once, whatever the others throw. */
export class Notices {
  readonly #gauge: OverloadGauge | undefined;
  readonly #onOverload: ((overloaded: boolean) => void) | undefined;
  readonly #tellScheduled = (): void => this.#tell();
  #untold: PoolTicket[] = [];
  #toldOverloaded = false;
  /** Whether they are being told, or about to be. */
  #underWay = false;

  constructor(gauge: OverloadGauge | undefined, onOverload: ((overloaded: boolean) => void) | undefined) {
    this.#gauge = gauge;
    this.#onOverload = onOverload;
  }

  /** @param ticket - One that was granted or refused. It is not told of if its owner gives it up before. */
  add(ticket: PoolTicket): void {
    this.#untold.push(ticket);
  }

  /** Sees to it that whatever there is to tell will be told. */
  tellSoon(): void {
    if (this.#underWay || !this.#hasNews()) return;
    this.#underWay = true;
    void soon.then(this.#tellScheduled);
  }

  #hasNews(): boolean {
    return this.#untold.length > 0 || this.#overloadIsNews();
  }

  #overloadIsNews(): boolean {
    return this.#gauge !== undefined && this.#gauge.overloaded !== this.#toldOverloaded;
  }

  #tell(): void {
    while (this.#hasNews()) {
      const batch = this.#untold;
      this.#untold = [];
      for (const ticket of batch) tellOwner(ticket);
      if (this.#overloadIsNews()) this.#tellHost();
    }
    this.#underWay = false;
  }

  #tellHost(): void {
    this.#toldOverloaded = !this.#toldOverloaded;
    try {
      this.#onOverload?.(this.#toldOverloaded);
    } catch (error) {
      throwToHost(error);
    }
  }
}

function tellOwner(ticket: PoolTicket): void {
  const { request, refusal } = ticket;
  if (request === undefined) return;
  ticket.forgetWait();
  try {
    if (refusal !== undefined) return request.onRefused(refusal, ticket);
    ticket.phase = 'held';
    request.onGranted(ticket);
  } catch (error) {
    throwToHost(error);
  }
}

function throwToHost(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
