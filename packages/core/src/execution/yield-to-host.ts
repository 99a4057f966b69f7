/** Calls `callback` after the host has had a turn: timers, input and output come before it. */
export function yieldToHost(callback: () => void): void {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    callback();
  };
  port2.postMessage(undefined);
}
