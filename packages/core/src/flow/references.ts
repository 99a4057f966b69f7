import { firstOf, optional, settled } from '../edge.ts';
import { route } from '../route.ts';
import type { Needs, Source } from '../source.ts';
import { makeStage, type Stage } from '../stage.ts';
import type { FlowDefinition, NamedEdge, Step } from './definition.ts';

/** The stages of a flow as they are when they are defined by reference. */
export function referencesOf({ steps }: FlowDefinition): ReadonlyMap<string, Stage> {
  const made = new Map<string, Stage>();
  for (const step of steps.values()) made.set(step.name, reference(step, made));
  return made;
}

/** The sources behind edges. */
export function sourcesBehind(edges: readonly NamedEdge[], made: ReadonlyMap<string, Stage>): Needs {
  return Object.fromEntries(edges.map((edge) => [edge.key, sourceBehind(edge, made)]));
}

function sourceBehind({ read, from }: NamedEdge, made: ReadonlyMap<string, Stage>): Source {
  const sources = from.map((each) => (typeof each === 'string' ? made.get(each) : each));
  const [only] = sources as [Stage];
  if (read === 'optional') return optional(only);
  if (read === 'settled') return settled(only);
  return read === 'firstOf' ? firstOf(...(sources as [Stage, Stage])) : only;
}

function reference({ kind, name, needs, after, gate, unwrapped, options }: Step, made: ReadonlyMap<string, Stage>): Stage {
  const spec = {
    ...options,
    needs: sourcesBehind(needs, made),
    after: after.map((each) => made.get(each)),
    ...(gate === undefined ? {} : { when: Object.freeze({ kind: 'condition', route: made.get(gate.route), arms: gate.arms }) }),
    ...(unwrapped ? { run: unwrap(options.run as Unwrapped, needs) } : {}),
  };
  return kind === 'route' ? route(name, spec as never) : makeStage(kind, name, spec);
}

type Unwrapped = (value: unknown, context: unknown) => unknown;

/** Hands a function the only value there is; one that reads nothing receives nothing. */
function unwrap(run: Unwrapped, [edge]: readonly NamedEdge[]): unknown {
  if (typeof run !== 'function') return run;
  return (values: Readonly<Record<string, unknown>>, context: unknown) => run(edge && values[edge.key], context);
}
