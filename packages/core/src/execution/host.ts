import type { ConfigProvider } from '../ports/config-provider.ts';
import type { Clock } from '../ports/clock.ts';
import type { Schema } from '../schema.ts';

/** What a run gets from around it: time, chance, configuration. */
export interface Host {
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly makeId: () => string;
  readonly config: ConfigProvider | undefined;
  readonly extensions: Extensions;
}

/** The values a run was given under `extensions`; each is checked once per schema. */
export class Extensions {
  readonly #given: Readonly<Record<string, unknown>>;
  #checked: Map<string, { readonly schema: unknown; readonly value: unknown }> | undefined;

  constructor(given: Readonly<Record<string, unknown>> = {}) {
    this.#given = given;
  }

  read<Read>(key: string, schema: Schema<never, Read>, check: (value: unknown) => Read): Read {
    const known = this.#checked?.get(key);
    if (known !== undefined && known.schema === schema) return known.value as Read;
    const value = check(Object.hasOwn(this.#given, key) ? this.#given[key] : undefined);
    this.#checked ??= new Map();
    this.#checked.set(key, { schema, value });
    return value;
  }
}
