/** Whether a function that threw `error` merely obeyed its signal. Whatever was thrown, this does not throw. */
export function isAbort(error: unknown, signalReason: unknown): boolean {
  if (error === signalReason) return true;
  if (typeof error !== 'object' || error === null) return false;
  try {
    if ((error as { name?: unknown }).name === 'AbortError') return true;
    return signalReason !== undefined && (error as { cause?: unknown }).cause === signalReason;
  } catch {
    return false;
  }
}
