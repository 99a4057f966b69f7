import type { Schema } from './schema.ts';
import type { Input, Service } from './source.ts';

/** The inputs of `inputs<T>()` and `inputs(schemas)`, by name. */
export type InputsOf<T> = {
  readonly [K in keyof T & string]: unknown extends T[K]
    ? Input<K, T[K], T[K]>
    : T[K] extends Schema<infer Given, infer Read>
      ? Input<K, Given, Read>
      : Input<K, T[K], T[K]>;
};

/** The services of `services<T>()`, by name. */
export type ServicesOf<T> = { readonly [K in keyof T & string]: Service<K, T[K]> };

/** An input as it is at run time. */
export interface InputSource {
  readonly kind: 'input';
  readonly name: string;
  readonly schema: Schema | undefined;
}

/**
 * Declares named values that are given when a run starts. A pipeline demands exactly the inputs its stages read.
 *
 * Two inputs of one name combine where a pipeline reads both, if their types and schemas agree.
 *
 * @param schemas - By name, any Standard Schema: the value given is checked before anything runs and stages receive
 *   what the schema makes of it. Without it, name the types: `inputs<{ text: string }>()`; nothing is then checked.
 * @example
 * ```ts
 * const { text, userId } = inputs<{ text: string; userId?: string }>();
 * ```
 */
export function inputs<const T extends object>(schemas?: T & { readonly [K in keyof T]: Schema }): InputsOf<T> {
  return namedSources((name): InputSource => ({ kind: 'input', name, schema: ownMember(schemas, name) })) as InputsOf<T>;
}

/**
 * Declares named things that the host provides: clients, models, repositories. They are sources like inputs, given
 * under `services` when a run or a runtime starts, and never recorded, frozen or hashed.
 *
 * @example
 * ```ts
 * const { model } = services<{ model: { ask(text: string): Promise<string> } }>();
 * const answer = stage('answer', { needs: { text, model }, run: ({ text, model }) => model.ask(text) });
 * ```
 */
export function services<T extends object>(): ServicesOf<T> {
  return namedSources((name) => ({ kind: 'service', name })) as ServicesOf<T>;
}

/** The names exist only in types, so members are made when they are read; one name gives one object. */
function namedSources(make: (name: string) => object): object {
  const made = new Map<string, object>();
  return new Proxy(Object.create(null) as object, {
    get(_target, name) {
      if (typeof name !== 'string') return undefined;
      const source = made.get(name) ?? Object.freeze(make(name));
      made.set(name, source);
      return source;
    },
  });
}

function ownMember(schemas: object | undefined, name: string): Schema | undefined {
  return schemas !== undefined && Object.hasOwn(schemas, name) ? (schemas as Record<string, Schema>)[name] : undefined;
}
