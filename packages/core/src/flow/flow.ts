import { StageflowError } from '../errors.ts';
import { problem } from '../plan/validate.ts';
import type { Needs, NoNeeds } from '../source.ts';
import type { Stage } from '../stage.ts';
import { Additions, type StepSpec } from './additions.ts';
import { type BuildOptions, build } from './build.ts';
import type { Flow } from './builder.ts';
import type { FlowDefinition } from './definition.ts';
import {
  addChain,
  addConditional,
  addFanOutFanIn,
  addParallel,
  type Chain,
  type Conditional,
  type FanOutFanIn,
  type Parallel,
} from './groups.ts';
import { referencesOf } from './references.ts';

/**
 * Begins a pipeline that is written stage by stage, where stages refer to each other by name.
 *
 * @param given - What stages can read besides each other, by name: inputs, services, stages defined by reference.
 * @example
 * ```ts
 * const { text } = inputs<{ text: string }>();
 * const chat = flow('chat', { text })
 *   .stage('words', { needs: ['text'], run: ({ text }) => text.split(' ') })
 *   .stage('count', { needs: ['words'], run: ({ words }) => words.length })
 *   .build({ outputs: ['count'] });
 * ```
 */
// biome-ignore lint/complexity/noBannedTypes: no stage yet, which is what the intersection of stages begins with.
export function flow<const Given extends Needs = NoNeeds>(name: string, given?: Given): Flow<Given, {}, never> {
  const record = given ?? {};
  const problems = isWithoutMembers(record) ? [problem('SF_POLICY_INVALID', { subject: `flow "${name}"`, ...whatToGive })] : [];
  return flowOf({ name, given: [record], steps: new Map(), last: undefined, problems });
}

const whatToGive = {
  option: 'given',
  expected: 'a record that lists its members, as { text }',
  received: 'what inputs() or services() returned, which does not know its members',
};

/** `inputs()` and `services()` have members only when they are read, so any name would be one. */
function isWithoutMembers(record: object): boolean {
  return Object.getPrototypeOf(record) === null && Object.keys(record).length === 0;
}

/** The one place where the types of a flow are put on. */
export function flowOf<F>(definition: FlowDefinition): F {
  return new DefinedFlow(definition) as F;
}

class DefinedFlow {
  readonly '~definition': FlowDefinition;
  #made: ReadonlyMap<string, Stage> | undefined;

  constructor(definition: FlowDefinition) {
    this['~definition'] = definition;
  }

  get name(): string {
    return this['~definition'].name;
  }

  get stages(): Needs {
    const { name, problems } = this['~definition'];
    if (problems.length > 0) throw new StageflowError('SF_PLAN_INVALID', { pipeline: name, problems }, { pipeline: name });
    return Object.fromEntries(this.#references());
  }

  stage(name: string, { kind = 'transform', ...spec }: StepSpec & { readonly kind?: 'transform' }): DefinedFlow {
    return new DefinedFlow(new Additions(this['~definition']).add(kind, name, spec).done(name));
  }

  work(name: string, spec: StepSpec): DefinedFlow {
    return new DefinedFlow(new Additions(this['~definition']).add('work', name, spec).done(name));
  }

  route(name: string, spec: StepSpec): DefinedFlow {
    return new DefinedFlow(new Additions(this['~definition']).add('route', name, spec).done(name));
  }

  guard(name: string, { check, ...spec }: StepSpec & { readonly check: unknown }): DefinedFlow {
    return new DefinedFlow(new Additions(this['~definition']).add('guard', name, { ...spec, run: check }).done(name));
  }

  chain(spec: Chain): DefinedFlow {
    return new DefinedFlow(addChain(this['~definition'], spec));
  }

  parallel(spec: Parallel): DefinedFlow {
    return new DefinedFlow(addParallel(this['~definition'], spec));
  }

  fanOutFanIn(spec: FanOutFanIn): DefinedFlow {
    return new DefinedFlow(addFanOutFanIn(this['~definition'], spec));
  }

  conditional(spec: Conditional): DefinedFlow {
    return new DefinedFlow(addConditional(this['~definition'], spec));
  }

  build(options: BuildOptions): unknown {
    return build(this['~definition'], this.#references(), options);
  }

  /** Made once, so that `stages` and `build` speak of the same stages. */
  #references(): ReadonlyMap<string, Stage> {
    this.#made ??= referencesOf(this['~definition']);
    return this.#made;
  }
}
