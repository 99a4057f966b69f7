import type { Secret } from '@stageflow/core';
import { TextRedactor } from './redact-text.ts';
import { ValueRedactor } from './redact-value.ts';

/** What {@link redactor} takes. */
export interface RedactorOptions {
  /**
   * Values that must not be written wherever they stand: the keys and passwords that the host was started with. Each at least
   * four characters. @default none
   */
  readonly secrets?: readonly (string | Secret<string>)[] | undefined;
}

/** Takes credentials out of what is logged. None of its functions throws. */
export interface Redactor {
  /** A copy of any value, as JSON would write it. Members called like a credential are hidden at any depth, and all text is searched. */
  readonly value: (value: unknown) => unknown;
  /** Text without passwords in URLs, bearer tokens, JSON Web Tokens, private keys, `password=…` and declared secrets. */
  readonly text: (text: string) => string;
  /** A finished line of JSON: for pino's `hooks.streamWrite`, so that every line of a logger is searched. */
  readonly line: (line: string) => string;
}

/**
 * Makes a redactor. Sinks and loggers of this package have one of their own; make one to declare secrets, or to redact every
 * line that a logger writes.
 *
 * @throws SF_OPTION_INVALID for a secret of fewer than four characters, which would hide ordinary text.
 * @example
 * ```ts
 * const redact = redactor({ secrets: [apiKey] });
 * const logger = pino({ hooks: { streamWrite: redact.line } });
 * const runtime = createRuntime({ pipelines, sinks: [pinoSink(logger, { redact })] });
 * ```
 */
export function redactor({ secrets = [] }: RedactorOptions = {}): Redactor {
  const text = new TextRedactor(secrets);
  const value = (given: unknown): unknown => new ValueRedactor(text).copy(given);
  const line = (given: string): string => {
    try {
      const parsed: unknown = JSON.parse(given);
      const written = JSON.stringify(value(parsed));
      // What needs no redaction stays as it was written, to the last digit of its numbers.
      return written === JSON.stringify(parsed) ? given : `${written}\n`;
    } catch {
      return text.redact(given);
    }
  };
  return Object.freeze({ value, text: (given: string) => (typeof given === 'string' ? text.redact(given) : given), line });
}
