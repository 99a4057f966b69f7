import { appendFileSync, existsSync, readFileSync } from 'node:fs';

/** A line of the ledger. */
export interface LedgerEntry {
  readonly action: 'booked' | 'cancelled';
  /** What was booked or cancelled. */
  readonly what: string;
  /** The key under which it was booked. */
  readonly key: string;
}

/** The world outside of the program: it keeps what was done, whatever becomes of the process that asked for it. */
export interface BookingService {
  /** Books something, once for each key. */
  book(key: string, what: string): string;
  /** Cancels what was booked under a key, once; does nothing where nothing was booked. */
  cancel(key: string): void;
}

/**
 * A booking service whose ledger is a file, one line of JSON an entry.
 *
 * @param onRequest - Told in words what was asked and what came of it, after the ledger has it.
 */
export function bookingService(file: string, onRequest: (line: string) => void): BookingService {
  const add = (entry: LedgerEntry): void => {
    appendFileSync(file, `${JSON.stringify(entry)}\n`);
    onRequest(`${entry.action} ${entry.what}`);
  };
  const find = (action: LedgerEntry['action'], key: string): LedgerEntry | undefined =>
    readLedger(file).find((entry) => entry.action === action && entry.key === key);
  return {
    book(key, what) {
      if (find('booked', key) === undefined) add({ action: 'booked', what, key });
      else onRequest(`${what} was booked already`);
      return what;
    },
    cancel(key) {
      const booked = find('booked', key);
      if (booked === undefined) onRequest(`nothing to cancel under ${key}`);
      else if (find('cancelled', key) === undefined) add({ action: 'cancelled', what: booked.what, key });
      else onRequest(`${booked.what} was cancelled already`);
    },
  };
}

/** What the ledger says, oldest first. */
export function readLedger(file: string): readonly LedgerEntry[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as LedgerEntry);
}
