const mark: unique symbol = Symbol.for('stageflow.secret');
/** What `util.inspect`, and with it `console.log`, asks an object for. */
const inspected: unique symbol = Symbol.for('nodejs.util.inspect.custom');
const shown = '[secret]';

/** A value that is not to be printed. Made by {@link secret}. */
export interface Secret<out T = unknown> {
  readonly [mark]: true;
  /** The value. What is done with it from here on, nobody guards. */
  reveal(): T;
  toString(): string;
  toJSON(): string;
}

class Hidden<T> implements Secret<T> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
    Object.freeze(this);
  }

  get [mark](): true {
    return true;
  }

  reveal(): T {
    return this.#value;
  }

  toString(): string {
    return shown;
  }

  toJSON(): string {
    return shown;
  }

  [inspected](): string {
    return shown;
  }
}

/**
 * Wraps a value so that it prints as `[secret]` wherever it is written: in JSON, in templates, by `console.log`. A run
 * store refuses it, so give it to runs as a service rather than as an input.
 *
 * @example
 * ```ts
 * const apiKey = secret(process.env.API_KEY);
 * console.log(`calling with ${apiKey}`, { apiKey }); // calling with [secret] { apiKey: [secret] }
 * const client = connect({ apiKey: apiKey.reveal() });
 * ```
 */
export function secret<T>(value: T): Secret<T> {
  return new Hidden(value);
}

/** Whether `value` was made by {@link secret}, of this copy of the package or another. Does not throw. */
export function isSecret(value: unknown): value is Secret {
  try {
    return typeof value === 'object' && value !== null && (value as Partial<Secret>)[mark] === true;
  } catch {
    return false;
  }
}
