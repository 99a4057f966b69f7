// Kept as they were when this module was loaded: a test may put fake timers in the place of the globals later.
const immediate: ((callback: () => void) => unknown) | undefined = globalThis.setImmediate;
const timeout: (callback: () => void, delayMs: number) => unknown = globalThis.setTimeout;

/** Resolves after the host has had a turn: every microtask has run, and every message that was on its way has arrived. */
export function hostTurn(via: typeof immediate | null = immediate): Promise<void> {
  return new Promise((resolve) => {
    if (via) {
      via(resolve);
      return;
    }
    const { port1, port2 } = new MessageChannel();
    port1.addEventListener('message', () => {
      port1.close();
      resolve();
    });
    port1.start();
    port2.postMessage(undefined);
  });
}

/** Resolves after `delayMs` of real time. */
export function realDelay(delayMs: number): Promise<void> {
  return new Promise((resolve) => void timeout(resolve, delayMs));
}
