/** The same promise; where nobody waits for it, its rejection is no crash. */
export function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
