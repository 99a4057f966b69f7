import type { PlanProblem } from '../error-details.ts';
import { problem } from '../plan/validate.ts';
import type { StageKind } from '../stage.ts';
import type { FlowDefinition, Step } from './definition.ts';
import { NameLookup } from './name-lookup.ts';

/** A stage as the methods of a flow take it, without its types. */
export interface StepSpec {
  readonly needs?: unknown;
  readonly after?: unknown;
  readonly when?: unknown;
  /** Of guards only. */
  readonly subject?: unknown;
  readonly run: unknown;
}

/** The stages that one method adds to a flow, which itself is left as it was. */
export class Additions {
  readonly #definition: FlowDefinition;
  readonly #steps: Map<string, Step>;
  readonly #problems: PlanProblem[];

  constructor(definition: FlowDefinition) {
    this.#definition = definition;
    this.#steps = new Map(definition.steps);
    this.#problems = [...definition.problems];
  }

  /** Adds a stage. Of two of one name the first stays, and the flow cannot be built. */
  add(kind: StageKind, name: string, spec: StepSpec): this {
    return this.#add(kind, name, spec, false);
  }

  /** Adds a stage whose function receives the one value it reads by itself. */
  addUnwrapped(kind: StageKind, name: string, spec: StepSpec): this {
    return this.#add(kind, name, spec, true);
  }

  /** The flow with the additions; `last` is what helpers go on from there. */
  done(last: string | undefined): FlowDefinition {
    return { ...this.#definition, steps: this.#steps, problems: this.#problems, last };
  }

  #add(kind: StageKind, name: string, spec: StepSpec, unwrapped: boolean): this {
    const { needs = [], after = [], when, subject, ...rest } = spec;
    const reader = `stage "${name}"`;
    const lookup = new NameLookup(this.#definition.given, this.#steps);
    const judged = kind === 'guard' ? lookup.subject(subject, reader) : [];
    const isGate = typeof when === 'object' && when !== null;
    const step: Step = {
      kind,
      name,
      needs: lookup.edges(needs, reader, 'needs', judged),
      after: lookup.stages(after, reader, 'after'),
      gate: isGate ? lookup.gate(when, reader) : undefined,
      unwrapped,
      options: { ...rest, ...(typeof when === 'function' ? { when } : {}) } as Step['options'],
    };
    this.#problems.push(...takenName(this.#definition, this.#steps, name), ...lookup.problems);
    if (!this.#steps.has(name)) this.#steps.set(name, step);
    return this;
  }
}

/** Why no stage can be added under that name. */
export function takenName({ given }: FlowDefinition, steps: FlowDefinition['steps'], name: string): PlanProblem[] {
  if (steps.has(name)) return [problem('SF_DUPLICATE_STAGE', { stage: name })];
  if (given.every((record) => !Object.hasOwn(record, name))) return [];
  return [problem('SF_NAME_INVALID', { subject: 'stage', name, why: 'the flow was given something of that name' })];
}
