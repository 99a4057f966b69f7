import type { PlanProblem } from '../error-details.ts';
import { nearestName } from '../nearest-name.ts';
import { problem } from '../plan/validate.ts';
import { describeReceived } from '../schema.ts';
import type { FlowDefinition, NamedEdge, NamedGate } from './definition.ts';

/** Looks names up in a flow and notes those that stand for nothing. */
export class NameLookup {
  readonly problems: PlanProblem[] = [];
  readonly #given: FlowDefinition['given'];
  readonly #steps: FlowDefinition['steps'];

  constructor(given: FlowDefinition['given'], steps: FlowDefinition['steps']) {
    this.#given = given;
    this.#steps = steps;
  }

  /** The edges to what `needs` names, as `reader` reads them; `own` are those it has besides. */
  edges(needs: unknown, reader: string, option: string, own: readonly NamedEdge[] = []): NamedEdge[] {
    const edges = [...this.#list(needs, reader, option).flatMap((need, at) => this.#edge(need, reader, `${option}[${at}]`)), ...own];
    const keys = new Set<string>();
    for (const { key } of edges) {
      if (keys.has(key)) this.#misshapen(reader, option, 'a list with each key once', `"${key}" more than once`);
      keys.add(key);
    }
    return edges;
  }

  /** The edge to what a guard judges. */
  subject(need: unknown, reader: string): NamedEdge[] {
    return this.#edge(need, reader, 'subject').map((edge) => ({ ...edge, key: 'subject' }));
  }

  /** The names in `names` that are stages. */
  stages(names: unknown, reader: string, option: string): string[] {
    return this.#list(names, reader, option).filter((name) => this.#isStage(name, `"${option}" of ${reader}`)) as string[];
  }

  /** The gate that `when` describes. */
  gate(when: unknown, reader: string): NamedGate | undefined {
    const { route, is } = when as { readonly route?: unknown; readonly is?: unknown };
    const arms = this.#list(is, reader, 'when.is') as readonly string[];
    if (!this.#isStage(route, `"when" of ${reader}`)) return undefined;
    return { route: route as string, arms };
  }

  #edge(need: unknown, reader: string, place: string): readonly NamedEdge[] {
    if (typeof need === 'string') return this.#plain(need, reader);
    const { optional, settled, firstOf, as } = (need ?? {}) as { readonly [K in 'optional' | 'settled' | 'firstOf' | 'as']?: unknown };
    if (typeof optional === 'string') return this.#modified('optional', optional, [optional], reader);
    if (typeof settled === 'string') return this.#modified('settled', settled, [settled], reader);
    if (Array.isArray(firstOf) && firstOf.length > 0 && typeof as === 'string') return this.#modified('firstOf', as, firstOf, reader);
    this.problems.push(problem('SF_UNKNOWN_SOURCE', { reader, key: place, received: describeReceived(need) }));
    return [];
  }

  #plain(name: string, reader: string): readonly NamedEdge[] {
    const given = this.#given.find((record) => Object.hasOwn(record, name));
    if (given !== undefined) return [{ key: name, read: 'plain', from: [given[name]] }];
    return this.#modified('plain', name, [name], reader);
  }

  #modified(read: NamedEdge['read'], key: string, names: readonly unknown[], reader: string): readonly NamedEdge[] {
    const known = names.filter((name) => this.#isStage(name, reader));
    return known.length === names.length ? [{ key, read, from: known }] : [];
  }

  #isStage(name: unknown, reader: string): boolean {
    if (this.#steps.has(name as string)) return true;
    const nearest = typeof name === 'string' ? nearestName(name, this.#names()) : undefined;
    this.problems.push(problem('SF_UNKNOWN_STAGE', { stage: typeof name === 'string' ? name : describeReceived(name), reader, nearest }));
    return false;
  }

  *#names(): Iterable<string> {
    yield* this.#steps.keys();
    for (const record of this.#given) yield* Object.keys(record);
  }

  #list(value: unknown, reader: string, option: string): readonly unknown[] {
    if (Array.isArray(value)) return value;
    this.#misshapen(reader, option, 'a list of names', describeReceived(value));
    return [];
  }

  #misshapen(subject: string, option: string, expected: string, received: string): void {
    this.problems.push(problem('SF_POLICY_INVALID', { subject, option, expected, received }));
  }
}
