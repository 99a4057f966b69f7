import type { Schema } from '@stageflow/core';

/** A schema that accepts what `isValid` accepts, unchanged. */
export function accepting<T>(expected: string, isValid: (value: unknown) => value is T): Schema<T, T> {
  return {
    '~standard': {
      version: 1,
      vendor: 'conformance',
      validate: (value) => (isValid(value) ? { value } : { issues: [{ message: `must be ${expected}` }] }),
    },
  };
}

export const aString: Schema<string, string> = accepting('a string', (value) => typeof value === 'string');
export const aNumber: Schema<number, number> = accepting('a number', (value) => typeof value === 'number');

type PlainMap = Readonly<Record<string, unknown>>;

export const aMap: Schema<PlainMap, PlainMap> = accepting(
  'a map',
  (value): value is PlainMap => typeof value === 'object' && value !== null && !Array.isArray(value),
);

/** A schema that fills in what is missing. */
export function withDefaults<T extends object>(defaults: T): Schema<Partial<T>, T> {
  return {
    '~standard': {
      version: 1,
      vendor: 'conformance',
      validate: (value) =>
        typeof value === 'object' && value !== null ? { value: { ...defaults, ...value } } : { issues: [{ message: 'must be a map' }] },
    },
  };
}
