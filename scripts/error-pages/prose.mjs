// What the pages say beyond the table: one entry for each code, in the file of the place where the code appears.
import { authErrors } from './auth.mjs';
import { callErrors } from './call.mjs';
import { recordErrors } from './context-records.mjs';
import { definitionErrors } from './definition.mjs';
import { stepErrors } from './driver.mjs';
import { storeErrors, suspensionErrors, waitErrors } from './durability.mjs';
import { effectErrors, valueErrors } from './idempotency.mjs';
import { interceptorErrors } from './interceptors.mjs';
import { limitErrors, resourceErrors } from './limits.mjs';
import { redisErrors } from './redis-idempotency.mjs';
import { regionErrors } from './region.mjs';
import { runErrors } from './run.mjs';
import { sinkErrors } from './sinks.mjs';
import { stageErrors } from './stage.mjs';
import { startErrors } from './start.mjs';
import { streamErrors } from './stream.mjs';

/**
 * @typedef {object} Prose
 * @property {string} meaning What happened.
 * @property {string} remedy What to do.
 * @property {object} details Those of the example: what the error of `cause` carries.
 * @property {string} cause A module that ends with this error.
 * @property {string} mend The same module, mended.
 *
 * @typedef {object} Place
 * @property {string} title
 * @property {string} appears How the reader meets the code.
 * @property {Readonly<Record<string, Prose>>} errors
 */

/** @type {readonly Place[]} */
export const places = [
  {
    title: 'Where a pipeline is defined',
    appears:
      'Where a pipeline is defined: `pipeline()`, `definePipeline()`, `with()` and `configure()` throw at once, mostly while a module is loaded.',
    errors: definitionErrors,
  },
  {
    title: 'Where a run is started',
    appears: 'Where a runtime is made or a run is started: `createRuntime()` and `start()` throw, `run()` rejects. Nothing has run then.',
    errors: { ...startErrors, ...limitErrors },
  },
  {
    title: 'In a stage',
    appears:
      'In a stage: as the error of its outcome, in `run.errors`, and as `run.error` where it failed the run. `run()` does not reject; `runOrThrow()` does.',
    errors: {
      ...stageErrors,
      ...callErrors,
      ...interceptorErrors,
      ...resourceErrors,
      ...regionErrors,
      ...streamErrors,
      ...waitErrors,
      ...stepErrors,
      ...effectErrors,
      ...redisErrors,
      ...valueErrors,
      ...recordErrors,
    },
  },
  {
    title: 'Where runs are kept',
    appears: 'At the verbs of a runtime that has a store: `run()`, `resume()`, `decide()`, `deliver()` and `waits()` reject.',
    errors: storeErrors,
  },
  {
    title: 'In a run as a whole',
    appears: 'In a run as a whole, or after its end.',
    errors: { ...suspensionErrors, ...runErrors },
  },
  {
    title: 'Where somebody has to be authenticated',
    appears:
      'With `@stageflow/auth`. As `run.error` of a run that was denied, whose stages were not called; as the rejection of `resume()`, `auth.identify()` or a store; where a policy or an isolation denies a stage, as the error of that stage.',
    errors: authErrors,
  },
  {
    title: 'In a sink',
    appears: 'In a sink: where it refuses an event, in its `lastFailure`, and as the reason of dead letters. No run ends with it.',
    errors: sinkErrors,
  },
];
