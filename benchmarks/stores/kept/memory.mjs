import { StatementCounter } from './kept.mjs';

/**
 * What is kept in this process.
 *
 * @param {() => Promise<number>} keptBytes
 * @returns {import('./kept.mjs').Kept}
 */
export function memoryKept(keptBytes = async () => 0) {
  return { counter: new StatementCounter(), setting: 'in the process', keptBytes, writtenBytes: undefined, keepsLog() {} };
}

/** Counts what writes in a run store, each call as one statement. */
export function countedStore(store, counter) {
  for (const method of ['create', 'commit', 'renew', 'acquire']) {
    const call = store[method].bind(store);
    store[method] = (...args) => {
      counter.note(store, 'UPDATE');
      return call(...args);
    };
  }
  return store;
}
