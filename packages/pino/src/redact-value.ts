import { isSecret } from '@stageflow/core';
import { redacted, type TextRedactor } from './redact-text.ts';
import { isSensitiveKey } from './sensitive-key.ts';

const maxDepth = 10;
const maxMembers = 10_000;

/**
 * Copies one value as JSON would write it, without credentials: members are asked for once, and what cannot be read, or has no
 * end, is named instead. Does not throw.
 */
export class ValueRedactor {
  readonly #text: TextRedactor;
  readonly #above = new Set<object>();
  #left = maxMembers;

  constructor(text: TextRedactor) {
    this.#text = text;
  }

  copy(value: unknown): unknown {
    if (typeof value === 'string') return this.#text.redact(value);
    if (typeof value === 'bigint') return String(value);
    if (typeof value === 'function' || typeof value === 'symbol') return undefined;
    if (typeof value !== 'object' || value === null) return value;
    if (this.#above.has(value)) return '[Circular]';
    if (this.#above.size >= maxDepth || this.#left-- <= 0) return '[Truncated]';
    this.#above.add(value);
    try {
      return this.#copyObject(value);
    } catch {
      return '[Unreadable]';
    } finally {
      this.#above.delete(value);
    }
  }

  #copyObject(value: object): unknown {
    if (isSecret(value)) return '[secret]';
    if (Array.isArray(value)) return this.#copyArray(value);
    if (value instanceof Error) return this.#copyError(value);
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
    if (value instanceof String) return this.#text.redact(String.prototype.valueOf.call(value));
    const { toJSON } = value as { readonly toJSON?: unknown };
    if (typeof toJSON !== 'function') return this.#copyMembers(value);
    const json: unknown = toJSON.call(value);
    return typeof json === 'object' && json !== null && !Array.isArray(json) ? this.#copyMembers(json) : this.copy(json);
  }

  /** After the name of a credential stands the credential, as in the raw headers of a request. */
  #copyArray(items: readonly unknown[]): unknown[] {
    const copies: unknown[] = [];
    let previous: unknown;
    for (const item of items) {
      if (this.#left-- <= 0) return [...copies, '[Truncated]'];
      copies.push(typeof previous === 'string' && typeof item === 'string' && isSensitiveKey(previous) ? redacted : this.copy(item));
      previous = item;
    }
    return copies;
  }

  #copyError(error: Error): unknown {
    const { name, message, stack, cause } = error;
    const known = { type: name, message, stack, ...(cause === undefined ? {} : { cause }) };
    const copy: Record<string, unknown> = Object.assign(Object.create(null), this.#copyMembers({ ...known, ...error }));
    // pino's own serializer of errors takes its `type` from here, where there is no constructor.
    return Object.defineProperty(copy, 'name', { value: copy['type'], enumerable: false });
  }

  #copyMembers(value: object): Record<string, unknown> {
    const copies: [string, unknown][] = [];
    for (const member of Object.keys(value)) {
      if (this.#left-- <= 0) {
        copies.push(['truncated', true]);
        break;
      }
      copies.push([this.#text.redact(member), isSensitiveKey(member) ? withoutContent(value, member) : this.#read(value, member)]);
    }
    const copy = Object.fromEntries(copies);
    // A header as an object: `{ name: 'Authorization', value: '…' }`.
    const names = [copy['name'], copy['key']];
    if ('value' in copy && names.some((name) => typeof name === 'string' && isSensitiveKey(name))) copy['value'] = redacted;
    return copy;
  }

  #read(value: object, member: string): unknown {
    try {
      return this.copy(Reflect.get(value, member));
    } catch {
      return '[Unreadable]';
    }
  }
}

/** What may be told of a credential: that there is none, or a yes or no. */
function withoutContent(value: object, member: string): unknown {
  try {
    const content: unknown = Reflect.get(value, member);
    return content === undefined || content === null || typeof content === 'boolean' ? content : redacted;
  } catch {
    return redacted;
  }
}
