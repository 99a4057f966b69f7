import type { Schema } from '../schema.ts';

/** The values a run was given under `extensions`; each is checked once per schema. */
export class Extensions {
  readonly #given: Readonly<Record<string, unknown>>;
  readonly #checked = new Map<string, { readonly schema: unknown; readonly value: unknown }>();

  constructor(given: Readonly<Record<string, unknown>> = {}) {
    this.#given = given;
  }

  read<Read>(key: string, schema: Schema<unknown, Read>, check: (value: unknown) => Read): Read {
    const known = this.#checked.get(key);
    if (known !== undefined && known.schema === schema) return known.value as Read;
    const value = check(Object.hasOwn(this.#given, key) ? this.#given[key] : undefined);
    this.#checked.set(key, { schema, value });
    return value;
  }
}
