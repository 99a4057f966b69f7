import { type Encoded, encode } from '../durable/codec.ts';
import { StageflowError } from '../errors.ts';
import type { Scheduler } from '../execution/scheduler.ts';
import { startRun } from '../execution/start-run.ts';
import type { Stop } from '../execution/stop.ts';
import type { IdentityOptions } from '../identity.ts';
import type { PipelinePolicy } from '../plan/draft.ts';
import type { Plan } from '../plan/plan.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { Driver } from '../ports/driver.ts';
import type { EventSink } from '../ports/event-sink.ts';
import type { Run } from '../run.ts';
import { DrivenExecution, type DrivenSteps } from './driven-execution.ts';

/** What a driven run can be given besides its input. All of it must be the same whenever the walk is repeated. */
export interface DrivenRunOptions extends IdentityOptions, PipelinePolicy {
  readonly runId: string;
  /** Where events go. A walk that is repeated emits the same ones again, with the same `seq`. @default none */
  readonly sinks?: readonly EventSink[] | undefined;
  /** Values that stages read with `context.extension(key, schema)`; they travel with each step. @default none */
  readonly extensions?: Readonly<Record<string, unknown>> | undefined;
}

/** A run that a driver drives. Members, not a promise, so that a driver knows after each end whether that was the last. */
export interface DrivenRun {
  /** Present once the run has ended. */
  readonly run: Run | undefined;
  /** Stops the run: an end like any other, to be delivered in its place. */
  cancel(reason: string): void;
}

/**
 * Walks a plan on a driver: the same scheduler, with the calls of stages, timers and waits made elsewhere. Asks for what
 * can start at once, and goes on within each callback of the driver.
 *
 * What decides which stages run is asked in the walk: `when`, keys of items, the ends of loops, schemas of inputs. It
 * must answer the same whenever it is asked again, and at once; services are not there.
 *
 * @param input - Checked here; schemas that answer with a promise cannot be used.
 * @throws SF_INPUT_INVALID, SF_OPTION_INVALID, SF_SCHEMA_ASYNC, SF_NOT_SERIALIZABLE; SF_STREAM_INVALID where a stage reads chunks
 * @example
 * ```ts
 * const driven = driveRun(chat.plan, { text: 'hi' }, driver, { runId });
 * while (driven.run === undefined) await deliverNextEnd();
 * ```
 */
export function driveRun(plan: Plan, input: unknown, driver: Driver, options: DrivenRunOptions): DrivenRun {
  refuseStreams(plan);
  const { extensions, ...others } = options;
  const steps: DrivenSteps = { driver, extensions: encodedExtensions(plan, extensions) };
  let ended: Run | undefined;
  let scheduler: Scheduler | undefined;
  const refusal = new StageflowError('SF_SCHEMA_ASYNC', { subject: 'the input of a driven run' }, { pipeline: plan.name });
  let isRefused = false;
  const started = startRun(
    plan,
    input,
    Object.fromEntries(plan.services.map((name) => [name, remote])),
    { ...others, clock: clockOf(driver), timings: false },
    {
      targets: [],
      drive: (scope, stage, values) => new DrivenExecution(scope, stage, steps, values),
      onScheduler: (made) => {
        if (isRefused) throw refusal;
        scheduler = made;
      },
      onEnded: (run) => {
        ended = run;
      },
    },
  );
  if (started instanceof Promise) {
    // What the schema answers starts nothing any more.
    isRefused = true;
    started.catch(() => undefined);
    throw refusal;
  }
  return {
    get run() {
      return ended;
    },
    cancel: (reason) => scheduler?.root.stop(cancelling(reason)),
  };
}

function cancelling(reason: string): Stop {
  const signalReason = new StageflowError('SF_RUN_CANCELLED', { reason });
  return { status: 'cancelled', reason, stage: undefined, error: undefined, signalReason };
}

/** A step hands over whole values. @throws SF_STREAM_INVALID */
function refuseStreams({ name: pipeline, draft, stages }: Plan): void {
  for (const [index, { name: reader, needs }] of draft.stages.entries()) {
    const streamed = needs.find(({ read }) => read === 'streamed');
    if (streamed !== undefined) {
      const [stage = ''] = streamed.from;
      const why = 'the run is driven, and steps hand over whole values';
      throw new StageflowError('SF_STREAM_INVALID', { reader: `stage "${reader}"`, stage, why }, { pipeline });
    }
    const body = stages[index]?.region?.body;
    if (body !== undefined) refuseStreams(body);
  }
}

/** @throws SF_NOT_SERIALIZABLE */
function encodedExtensions(plan: Plan, extensions: DrivenRunOptions['extensions'] = {}): Readonly<Record<string, Encoded>> {
  return Object.fromEntries(
    Object.entries(extensions).map(([key, value]) => {
      const result = encode(value);
      if ('text' in result) return [key, result.text];
      const details = { stage: `extension ${key}`, at: result.refused, received: result.what };
      throw new StageflowError('SF_NOT_SERIALIZABLE', details, { pipeline: plan.name });
    }),
  );
}

class RemoteService {}

/** Stands for a service, which only the place where a stage runs has: it can be handed on, but not read and not written down. */
const remote: unknown = new Proxy(new RemoteService(), {
  get: (target, key) => {
    if (key === 'constructor') return target.constructor;
    throw new TypeError('a service is there only where stages run, not where the plan is walked');
  },
});

/** The timers of the run itself: its deadline, its grace. Named by their order, which is the same when the walk is repeated. */
function clockOf(driver: Driver): Clock {
  let timers = 0;
  return {
    now: () => driver.now(),
    monotonic: () => driver.now(),
    schedule: (callback: () => void, delayMs: number): Timer => {
      const operation = driver.sleepUntil(`timer ${++timers}`, driver.now() + delayMs, callback);
      return { cancel: () => operation.cancel('it is not needed any more') };
    },
  };
}
