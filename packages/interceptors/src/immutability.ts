import { type InterceptedStage, type Interceptor, type RunIdentity, StageflowError } from '@stageflow/core';
import { dataOf } from './context-size.ts';
import { valueMutated } from './errors.ts';
import { locationOf } from './location.ts';
import { type Mutation, ValueShadows } from './value-shadows.ts';

/** What {@link immutability} takes. */
export interface ImmutabilityOptions {
  /**
   * What a change does. `'fail'`: fails the attempt that ran meanwhile, or was about to read what was changed; or the run,
   * where the change came after all of them. Or a function, which is told. @default 'fail'
   */
  readonly onViolation?: 'fail' | ((error: StageflowError) => void) | undefined;
}

/** What is watched in one run. */
interface WatchedRun {
  readonly shadows: ValueShadows;
  readonly underWay: Set<string>;
  readonly outputs: { readonly path: string; readonly output: unknown }[];
}

/**
 * A help for development: finds stages that change what they were given, or what they have yielded. It remembers what each
 * value was, and compares before and after each call, and at the end of the run. It costs a walk over every value twice a
 * call, so leave it out in production.
 *
 * Under the `development` condition core freezes plain objects and arrays that stages yield. This finds besides: changes of
 * inputs; of maps, sets, dates and bytes; after the fact; and all of it without that condition.
 *
 * Fails with SF_VALUE_MUTATED, which names the property.
 *
 * @example
 * ```ts
 * const run = await chat.run({ text: 'hi' }, { interceptors: [immutability()] });
 * ```
 */
export function immutability({ onViolation = 'fail' }: ImmutabilityOptions = {}): Interceptor {
  const runs = new WeakMap<RunIdentity, WatchedRun>();
  const watched = (identity: RunIdentity): WatchedRun => {
    const run = runs.get(identity) ?? { shadows: new ValueShadows(), underWay: new Set(), outputs: [] };
    runs.set(identity, run);
    return run;
  };
  const tell = (error: StageflowError): void => {
    if (onViolation === 'fail') throw error;
    onViolation(error);
  };
  const check = (stage: InterceptedStage, { shadows, underWay }: WatchedRun, when: string): void => {
    for (const [key, value] of Object.entries(dataOf(stage))) {
      const mutation = shadows.mutationOf(value, key);
      if (mutation === undefined) continue;
      const alongside = [...underWay].filter((path) => path !== stage.path);
      tell(violation(stage.stage, mutation, { when, alongside }, locationOf(stage)));
    }
  };
  return {
    name: 'immutability',
    async attempt(stage, next) {
      const run = watched(stage.identity);
      check(stage, run, 'before it ran');
      for (const value of Object.values(dataOf(stage))) run.shadows.watch(value);
      run.underWay.add(stage.path);
      const outcome = await next().finally(() => run.underWay.delete(stage.path));
      check(stage, run, 'while it ran');
      if (outcome.status !== 'completed') return outcome;
      run.shadows.watch(outcome.output);
      run.outputs.push({ path: stage.path, output: outcome.output });
      return outcome;
    },
    async run({ identity, pipeline, runId }, next) {
      const ended = await next();
      const { shadows, outputs } = watched(identity);
      for (const { path, output } of outputs) {
        const mutation = shadows.mutationOf(output, 'output');
        if (mutation === undefined) continue;
        const error = violation(path, mutation, { when: 'after it had yielded it', alongside: [] }, { pipeline, runId, path });
        // How a run that did not complete has ended stays as it is.
        if (onViolation !== 'fail' || ended.status === 'completed') tell(error);
      }
      return ended;
    },
  };
}

function violation(
  stage: string,
  mutation: Mutation,
  found: { readonly when: string; readonly alongside: readonly string[] },
  location: ReturnType<typeof locationOf>,
): StageflowError {
  return new StageflowError(valueMutated, { stage, ...mutation, ...found }, location);
}
