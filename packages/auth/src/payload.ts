import type { Schema } from '@stageflow/core';

/** The contract of an event's payload whose members are all texts, some of which may be absent. */
export function payload<P extends Readonly<Record<string, string | undefined>>>(
  members: {
    readonly [K in keyof P]: undefined extends P[K] ? 'optional' : 'required';
  },
): Schema<unknown, P> {
  const validate = (value: unknown): { readonly value: P } | { readonly issues: readonly { readonly message: string }[] } => {
    const given = Object(value) as Record<string, unknown>;
    const wrong = Object.entries(members).filter(
      ([name, need]) => typeof given[name] !== 'string' && !(need === 'optional' && given[name] === undefined),
    );
    return wrong.length === 0 ? { value: value as P } : { issues: wrong.map(([name]) => ({ message: `${name} is not a text` })) };
  };
  return { '~standard': { version: 1, vendor: 'stageflow', validate } };
}
