import type { Logger } from '@stageflow/core/ports';
import { logging } from '@stageflow/interceptors';
import { describe, expectTypeOf, test } from 'vitest';

/** How pino types its methods: https://github.com/pinojs/pino/blob/main/pino.d.ts. */
interface LogFn {
  <T>(obj: T, msg?: string, ...args: unknown[]): void;
  (msg: string, ...args: unknown[]): void;
}
interface PinoLogger {
  readonly debug: LogFn;
  readonly info: LogFn;
  readonly warn: LogFn;
  readonly error: LogFn;
  child(bindings: Record<string, unknown>, options?: { readonly level?: string }): PinoLogger;
}

describe('Logger', () => {
  test('is what a logger of pino is', () => {
    expectTypeOf<PinoLogger>().toExtend<Logger>();
    logging({ logger: {} as PinoLogger });
  });

  test('is not what the console is: it takes fields first, and has children', () => {
    // @ts-expect-error the console has no child()
    logging({ logger: console });
  });
});
