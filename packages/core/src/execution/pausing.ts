import type { Scheduler } from './scheduler.ts';
import type { Scope } from './scope.ts';

/** Holds a run, and lets single stages of it start meanwhile. */
export class Pausing {
  /** Whether what begins now does so because of a step. */
  isStepping = false;
  readonly #scheduler: Scheduler;
  /** What a step began and had to wait before it could be called, and need not any more. */
  #stepped: (readonly [Scope, number])[] = [];

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** From now on nothing new starts; what is under way goes on. Resolves when that is durable, where the run is kept. */
  async pause(): Promise<void> {
    const scheduler = this.#scheduler;
    if (!scheduler.isPaused && !scheduler.root.closing) scheduler.emit({ type: 'run.paused' });
    scheduler.isPaused = true;
    await scheduler.journal?.setPaused?.(true);
  }

  /** Ends a pause. */
  async continue(): Promise<void> {
    const scheduler = this.#scheduler;
    if (!scheduler.isPaused) return;
    scheduler.isPaused = false;
    scheduler.emit({ type: 'run.continued' });
    for (const [scope, index] of this.#stepped) scheduler.enqueue(scope, index);
    this.#stepped = [];
    await scheduler.journal?.setPaused?.(false);
    scheduler.drain();
  }

  /** Starts the next stage that is ready, in a pause; which one, or `undefined` where none may start. */
  step(): string | undefined {
    const scheduler = this.#scheduler;
    if (!scheduler.isPaused || scheduler.draining || !this.#mayBegin) return undefined;
    const path = scheduler.nextPath();
    if (path === undefined) return undefined;
    this.#asStep(() => scheduler.beginNext());
    scheduler.drain();
    return path;
  }

  /** A stage that a step began can be called now. */
  enqueue(scope: Scope, index: number): void {
    if (this.#scheduler.isPaused) this.#stepped.push([scope, index]);
    else this.#scheduler.enqueue(scope, index);
  }

  /** What may go on in a pause. */
  drain(): void {
    const scheduler = this.#scheduler;
    while (this.#stepped.length > 0 && this.#mayBegin) {
      const [scope, index] = this.#stepped.shift() as readonly [Scope, number];
      this.#asStep(() => scheduler.beginIn(scope, index));
    }
    if (scheduler.root.isOver) scheduler.root.close();
  }

  get #mayBegin(): boolean {
    const { root, active, limits } = this.#scheduler;
    return root.stopped === undefined && !root.closing && active < limits.maxConcurrency;
  }

  #asStep(begin: () => void): void {
    this.#scheduler.draining = true;
    this.isStepping = true;
    begin();
    this.isStepping = false;
    this.#scheduler.draining = false;
  }
}
