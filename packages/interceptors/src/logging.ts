import type { ErrorSummary, InterceptedRun, Interceptor, Run, RunIdentity, StageflowError, StageOutcome } from '@stageflow/core';
import type { LogFields, Logger } from '@stageflow/core/ports';

/** What {@link logging} takes. */
export interface LoggingOptions {
  readonly logger: Logger;
}

type Level = 'debug' | 'info' | 'warn' | 'error';

const levels: Readonly<Record<StageOutcome['status'], Level>> = {
  completed: 'info',
  skipped: 'info',
  cancelled: 'info',
  suspended: 'info',
  blocked: 'warn',
  failed: 'error',
};

/** Kinds of stages that call no function, so that a value without a call says nothing. */
const regions: readonly string[] = ['branch', 'fallback', 'race', 'map', 'loop', 'guarded', 'subpipeline'];

/** What is known of a run while it is under way. */
interface LoggedRun {
  readonly logger: Logger;
  /** How the latest attempt of each stage ended. */
  readonly attempts: Map<string, StageOutcome['status']>;
  readonly ended: Set<string>;
}

/**
 * Writes a line for the start of a run, and for the end of each attempt, stage and run, with its true status. Lines carry
 * the run's id, pipeline, tenant, trace and correlation; those of stages the path; never a value. An error is its code, its
 * message and whether it is worth another try. A logger that throws changes nothing.
 *
 * | line | level |
 * |---|---|
 * | `attempt failed` | warn; any other end of an attempt: debug |
 * | `stage completed`, `skipped`, `cancelled` | info |
 * | `stage blocked` | warn |
 * | `stage failed` | error |
 * | a stage that never began, told at the end of the run | debug |
 * | `run started`, `completed`, `cancelled`, `suspended` | info; degraded: warn |
 * | `run blocked`, `run failed` | warn, error |
 *
 * @example
 * ```ts
 * const runtime = createRuntime({ pipelines: [chat], interceptors: [logging({ logger: pino() })] });
 * ```
 */
export function logging({ logger }: LoggingOptions): Interceptor {
  const runs = new WeakMap<RunIdentity, LoggedRun>();
  const logged = (run: Pick<InterceptedRun, 'identity' | 'pipeline'>): LoggedRun => {
    const known = runs.get(run.identity) ?? { logger: loggerOf(logger, run), attempts: new Map(), ended: new Set() };
    runs.set(run.identity, known);
    return known;
  };
  return {
    name: 'logging',
    async run(run, next) {
      const { logger: log, ended } = logged(run);
      say(log, 'info', { stages: run.stages.length }, 'run started');
      const before = run.elapsedMs;
      try {
        const result = await next();
        for (const { path, outcome } of result.stages.values()) {
          if (!ended.has(path)) say(log, 'debug', { path, attempts: 0, ...factsOf(outcome) }, `stage ${outcome.status}`);
        }
        const level = result.status === 'completed' && result.degraded ? 'warn' : levels[result.status];
        say(log, level, { durationMs: run.elapsedMs - before, ...factsOfRun(result) }, `run ${result.status}`);
        return result;
      } catch (error) {
        // An interceptor further in has failed the run.
        say(log, 'error', { durationMs: run.elapsedMs - before, error: summaryOf(error as StageflowError) }, 'run failed');
        throw error;
      }
    },
    async stage(stage, next) {
      const { logger: log, attempts, ended } = logged(stage);
      const { path, kind } = stage;
      const before = stage.elapsedMs;
      const outcome = await next();
      const isCached = outcome.status === 'completed' && !regions.includes(kind) && attempts.get(path) !== 'completed';
      attempts.delete(path);
      ended.add(path);
      const facts = { path, kind, durationMs: stage.elapsedMs - before, ...(isCached ? { cached: true } : {}), ...factsOf(outcome) };
      say(log, levels[outcome.status], facts, `stage ${outcome.status}`);
      return outcome;
    },
    async attempt(stage, next) {
      const { logger: log, attempts } = logged(stage);
      const { path, attempt } = stage;
      const before = stage.elapsedMs;
      const outcome = await next();
      attempts.set(path, outcome.status);
      const facts = { path, attempt, durationMs: stage.elapsedMs - before, ...factsOf(outcome) };
      say(log, outcome.status === 'failed' ? 'warn' : 'debug', facts, `attempt ${outcome.status}`);
      return outcome;
    },
  };
}

/**
 * A logger whose lines say which run they belong to, and which stage where it is given a stage's context: the same fields
 * that {@link logging} writes. For stages that have a logger as a service.
 *
 * @example
 * ```ts
 * const { logger } = services<{ logger: Logger }>();
 * const answer = stage('answer', {
 *   needs: { text, logger },
 *   run: ({ text, logger }, context) => {
 *     loggerOf(logger, context).debug({ length: text.length }, 'asking the model');
 *     return ask(text);
 *   },
 * });
 * ```
 */
export function loggerOf(logger: Logger, place: Pick<InterceptedRun, 'identity' | 'pipeline'> & { readonly path?: string }): Logger {
  const { runId, tenantId, traceId, spanId, correlationId, parentRunId } = place.identity;
  const fields = { runId, pipeline: place.pipeline, path: place.path, tenantId, traceId, spanId, correlationId, parentRunId };
  try {
    return logger.child(Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)));
  } catch {
    return logger;
  }
}

function say(logger: Logger, level: Level, fields: LogFields, message: string): void {
  try {
    logger[level](fields, message);
  } catch {
    // Who writes things down does not decide how they end.
  }
}

function factsOf(outcome: StageOutcome): LogFields {
  if (outcome.status === 'completed') return {};
  if (outcome.status === 'failed') return { error: summaryOf(outcome.error) };
  const { reason } = outcome;
  if (outcome.status === 'skipped' && outcome.rootCause !== undefined) return { reason, rootCause: outcome.rootCause.stage };
  return outcome.status === 'blocked' && outcome.error !== undefined ? { reason, error: summaryOf(outcome.error) } : { reason };
}

function factsOfRun(run: Run): LogFields {
  const { counts, unsettled } = run;
  const facts = { counts, ...(unsettled.length === 0 ? {} : { unsettled }) };
  if (run.status === 'completed') return run.degraded ? { ...facts, degraded: true } : facts;
  if (run.status === 'failed') return { ...facts, error: summaryOf(run.error) };
  if (run.status === 'blocked') return { ...facts, reason: run.reason, blockedBy: run.blockedBy };
  if (run.status === 'suspended') return { ...facts, waits: run.waits.map(({ waitId }) => waitId) };
  return { ...facts, reason: run.reason, ...(run.cancelledBy === undefined ? {} : { cancelledBy: run.cancelledBy }) };
}

function summaryOf({ code, message, retryable }: StageflowError): ErrorSummary {
  return { code, message, retryable };
}
