import type { Encoded } from '../durable/codec.ts';
import type { Driver, SignalRequest, StartedOperation } from '../ports/driver.ts';

/**
 * What one stage waits for. A wait stays open while another lets the stage go on, and is counted from the first time the
 * stage asked: each is opened once, however often it is asked for.
 */
export class StageWaits {
  readonly #driver: Driver;
  readonly #onOver: (waitId: string) => void;
  readonly #answers = new Map<string, Encoded>();
  readonly #expired = new Set<string>();
  readonly #open = new Map<string, StartedOperation[]>();
  #parked = false;
  #due = false;

  /** @param onOver - Told that a wait is over, where the stage does nothing but wait: once for each time it parks. */
  constructor(driver: Driver, onOver: (waitId: string) => void) {
    this.#driver = driver;
    this.#onOver = onOver;
  }

  /** Whether the stage does nothing but wait. */
  get isParked(): boolean {
    return this.#parked;
  }

  answers(): Readonly<Record<string, Encoded>> {
    return Object.fromEntries(this.#answers);
  }

  expired(): readonly string[] {
    return [...this.#expired];
  }

  /** The stage is called: whether because a wait is over. */
  takeUp(): boolean {
    const due = this.#due;
    this.#due = false;
    return due;
  }

  /** The stage waits, for any of these. */
  park(waits: readonly SignalRequest[]): void {
    this.#parked = true;
    for (const wait of waits) if (!this.#isOver(wait) && !this.#open.has(wait.waitId)) this.#begin(wait);
    const over = waits.find((wait) => this.#isOver(wait));
    if (over !== undefined) this.#goOn(over.waitId);
  }

  /** Nobody waits any more. */
  forget(): void {
    this.#parked = false;
    for (const waitId of [...this.#open.keys()]) this.#close(waitId);
  }

  #isOver({ waitId }: SignalRequest): boolean {
    return this.#answers.has(waitId) || this.#expired.has(waitId);
  }

  #begin(wait: SignalRequest): void {
    const { waitId, expiresAt, otherwise } = wait;
    const operations = [
      this.#driver.awaitSignal(wait, (answer) => {
        this.#answers.set(waitId, answer);
        this.#over(waitId);
      }),
    ];
    this.#open.set(waitId, operations);
    if (expiresAt === undefined) return;
    operations.push(
      this.#driver.sleepUntil(`${waitId}/expiry`, expiresAt, () => {
        if (otherwise === undefined) this.#expired.add(waitId);
        else this.#answers.set(waitId, otherwise);
        this.#over(waitId);
      }),
    );
  }

  #over(waitId: string): void {
    this.#close(waitId);
    if (this.#parked) this.#goOn(waitId);
  }

  #close(waitId: string): void {
    for (const operation of this.#open.get(waitId) as StartedOperation[]) operation.cancel('it is not waited for any more');
    this.#open.delete(waitId);
  }

  #goOn(waitId: string): void {
    this.#parked = false;
    this.#due = true;
    this.#onOver(waitId);
  }
}
