import { defineEvent, type EventDefinition, type InterceptedStage, type Interceptor, type Schema, StageflowError } from '@stageflow/core';
import { contextTooLarge } from './errors.ts';
import { locationOf } from './location.ts';
import { measure } from './measure.ts';
import { aPositiveNumber, checkOptions } from './option-rules.ts';

/** What {@link contextSize} takes. */
export interface ContextSizeOptions {
  /** Of all that a stage is given, services not counted. About what it takes as JSON. @default 1_048_576 */
  readonly maxBytes?: number | undefined;
  /** Of what a stage yields. @default `maxBytes` */
  readonly maxYieldedBytes?: number | undefined;
  /**
   * `'warn'`: emits the event `context.too_large`. `'fail'`: fails the stage with SF_CONTEXT_TOO_LARGE; where it is given
   * too much, it is not called. @default 'warn'
   */
  readonly onExceeded?: 'warn' | 'fail' | undefined;
}

/** Payload of {@link contextExceeded}. */
export interface ContextExceeded {
  readonly direction: 'given' | 'yielded';
  readonly maxBytes: number;
}

/** Payloads are made in this package. */
const payload: Schema<unknown, ContextExceeded> = {
  '~standard': { version: 1, vendor: 'stageflow', validate: (value) => ({ value: value as ContextExceeded }) },
};

/** A stage was given, or has yielded, more than it should: `contextSize({ onExceeded: 'warn' })`. */
export const contextExceeded: EventDefinition<ContextExceeded> = defineEvent('context.too_large', payload);

/**
 * Watches how much each stage is given and yields. It counts no further than the limit, calls no getter, and counts each
 * object once, so that circles and data of others cost no more than the limit allows.
 *
 * @throws SF_OPTION_INVALID
 * @example
 * ```ts
 * const runtime = createRuntime({ pipelines: [chat], interceptors: [contextSize({ maxBytes: 256_000, onExceeded: 'fail' })] });
 * ```
 */
export function contextSize(options: ContextSizeOptions = {}): Interceptor {
  const { maxBytes = 1_048_576, maxYieldedBytes = maxBytes, onExceeded = 'warn' } = options;
  checkOptions('contextSize()', { maxBytes: [maxBytes, aPositiveNumber], maxYieldedBytes: [maxYieldedBytes, aPositiveNumber] });
  const check = (stage: InterceptedStage, direction: ContextExceeded['direction'], value: unknown, most: number): void => {
    if (measure(value, most) <= most) return;
    if (onExceeded === 'warn') return stage.emit(contextExceeded, { direction, maxBytes: most });
    throw new StageflowError(contextTooLarge, { stage: stage.stage, direction, maxBytes: most }, locationOf(stage));
  };
  return {
    name: 'contextSize',
    async stage(stage, next) {
      check(stage, 'given', dataOf(stage), maxBytes);
      const outcome = await next();
      if (outcome.status === 'completed') check(stage, 'yielded', outcome.output, maxYieldedBytes);
      return outcome;
    },
  };
}

/** What a stage reads, without the services. */
export function dataOf({ values, serviceKeys }: InterceptedStage): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(values).filter(([key]) => !serviceKeys.includes(key)));
}
