import { openSubpipeline } from './execution/regions/subpipeline.ts';
import type { Pipeline, RunInput } from './pipeline.ts';
import { makeRegion, type Region } from './region.ts';
import type { Demand, Needs, Service, Source } from './source.ts';

/** A source for each input of a pipeline; those that admit `undefined` may be left out. */
export type InputSources<In extends Demand> = {
  readonly [K in keyof RunInput<In>]: Source<RunInput<In>[K]> | (undefined extends RunInput<In>[K] ? undefined : never);
};

/**
 * Runs another pipeline as a part of this one, and yields its outputs. Its stages have names of their own, below that of
 * the region: `outer/inner`. It shares the run: events, limits, cancellation, services.
 *
 * @param inputs - A source for each input of `child`. What `child` parses with a schema, it parses here as well.
 * @example
 * ```ts
 * const summary = subpipeline('summary', summarize, { text: document });
 * const mail = stage('mail', { needs: { summary }, run: ({ summary }) => send(summary.short) });
 * ```
 */
export function subpipeline<In extends Demand, Outs, const I extends InputSources<In> & Needs>(
  name: string,
  child: Pipeline<In, Outs>,
  inputs: I & { readonly [K in Exclude<keyof I, keyof InputSources<In>>]: never },
): Region<Outs, Extract<In, Service> | I[keyof I]['~types']['in'], I[keyof I]['~types']['skips']> {
  const region = { open: openSubpipeline, options: { pipeline: child.name }, child: child.plan };
  return makeRegion('subpipeline', name, inputs, region);
}
