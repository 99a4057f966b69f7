import type { Plan, Stage } from '@stageflow/core';

/** What a stage was made from. */
export type StageDefinition = Plan['draft']['stages'][number]['spec'];

/**
 * Reads what `stage`, `route`, `guard` or `work` put into a stage. The public type of a stage does not tell; this is the
 * one place that looks behind it.
 */
export function definitionOf(stage: Stage): StageDefinition {
  const { spec } = stage as Stage & { readonly spec?: StageDefinition };
  if (typeof spec === 'object') return spec;
  throw new TypeError(
    `Expected a stage made by stage(), route(), guard() or work(); "${stage.name}" is of kind "${stage.kind}" and has no function.`,
  );
}
