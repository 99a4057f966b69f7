/**
 * The idea of Stageflow in a hundred lines. Stages are values; what a stage needs it names by reference, so types flow
 * and no cycle can be written; and a stage runs at most once a run. That takes no scheduler: a stage is a promise that
 * begins by awaiting what it needs, and a memo that hands the same promise to every reader.
 */

/** Anything a stage can read: it yields `Out`, and asks `In` of whoever starts the run. */
export interface Source<out Out = unknown, in In = never> {
  readonly name: string;
  readonly resolve: (run: Run) => Promise<Outcome<Out>>;
  /** Never set: a place where TypeScript joins what several sources ask, as it joins parameters. */
  readonly asks?: (input: In) => void;
}

/** How a source ended. */
export type Outcome<Out> =
  | { readonly status: 'completed'; readonly value: Out }
  | { readonly status: 'skipped'; readonly reason: string }
  | { readonly status: 'failed'; readonly error: unknown };

/** One run: what it was given, and what has begun. */
interface Run {
  readonly input: unknown;
  readonly begun: Map<Source, Promise<Outcome<unknown>>>;
}

type Needs = Readonly<Record<string, Source>>;
type Values<N extends Needs> = { readonly [K in keyof N]: N[K] extends Source<infer Out> ? Out : never };
type Asked<N extends Needs> = N[keyof N] extends Source<unknown, infer In> ? In : never;

class Skip {
  readonly reason: string;
  constructor(reason: string) {
    this.reason = reason;
  }
}

/** What a stage returns that has nothing to give. Its readers are skipped as well, unless they read it as optional. */
export function skip(reason: string): Skip {
  return new Skip(reason);
}

/** A value given when the run starts. */
export function input<Given extends object>() {
  return <Name extends string & keyof Given>(name: Name): Source<Given[Name], Pick<Given, Name>> => ({
    name,
    resolve: async ({ input }) => ({ status: 'completed', value: (input as Given)[name] }),
  });
}

/** A named function and what it needs. */
export function stage<const N extends Needs, R>(
  name: string,
  { needs, run }: { readonly needs: N; readonly run: (values: Values<N>) => R },
): Source<Exclude<Awaited<R>, Skip>, Asked<N>> {
  async function once(current: Run): Promise<Outcome<unknown>> {
    // All needs are asked before the first is awaited: that is all there is to running in parallel.
    const entries = await Promise.all(Object.entries(needs).map(async ([key, source]) => [key, await source.resolve(current)] as const));
    const ends = entries.map(([, outcome]) => outcome);
    const obstacle = ends.find(({ status }) => status === 'failed') ?? ends.find(({ status }) => status === 'skipped');
    if (obstacle !== undefined) return obstacle;
    try {
      const values = Object.fromEntries(entries.map(([key, outcome]) => [key, outcome.status === 'completed' ? outcome.value : undefined]));
      const returned = await run(values as Values<N>);
      return returned instanceof Skip ? { status: 'skipped', reason: returned.reason } : { status: 'completed', value: returned };
    } catch (error) {
      return { status: 'failed', error };
    }
  }
  const self: Source = {
    name,
    resolve(current) {
      const outcome = current.begun.get(self) ?? once(current);
      current.begun.set(self, outcome);
      return outcome;
    },
  };
  return self as Source<Exclude<Awaited<R>, Skip>, Asked<N>>;
}

/** Reads `undefined` where the source was skipped. A failure stays a failure. */
export function optional<Out, In>(source: Source<Out, In>): Source<Out | undefined, In> {
  return {
    name: source.name,
    async resolve(run) {
      const outcome = await source.resolve(run);
      return outcome.status === 'skipped' ? { status: 'completed', value: undefined } : outcome;
    },
  };
}

/** What can be run: everything the outputs reach, and nothing else. */
export function pipeline<const N extends Needs>(outputs: N) {
  return {
    /** Resolves however the stages end, with one outcome for each output. */
    async run(input: Asked<N>): Promise<{ readonly [K in keyof N]: Outcome<Values<N>[K]> }> {
      const run: Run = { input, begun: new Map() };
      const ends = await Promise.all(Object.entries(outputs).map(async ([key, source]) => [key, await source.resolve(run)] as const));
      return Object.fromEntries(ends) as { [K in keyof N]: Outcome<Values<N>[K]> };
    },
  };
}
