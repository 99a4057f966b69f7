import type { Schema } from '@stageflow/core';

/** How the members of an event's payload are checked. */
export type MemberKind = 'text' | 'number';

/** The contract of an event's payload: texts and numbers, of which those that may be absent are named with a question mark in their kind. */
export function eventPayload<P extends Readonly<Record<string, string | number | undefined>>>(
  members: {
    readonly [K in keyof P]: undefined extends P[K] ? `${MemberKind}?` : MemberKind;
  },
): Schema<unknown, P> {
  const validate = (value: unknown): { readonly value: P } | { readonly issues: readonly { readonly message: string }[] } => {
    const given = Object(value) as Record<string, unknown>;
    const issues = Object.entries(members).flatMap(([name, kind]) => {
      const wanted = String(kind).startsWith('text') ? 'string' : 'number';
      const absent = given[name] === undefined && String(kind).endsWith('?');
      return absent || typeof given[name] === wanted ? [] : [{ message: `${name} is not a ${wanted}` }];
    });
    return issues.length === 0 ? { value: value as P } : { issues };
  };
  return { '~standard': { version: 1, vendor: 'stageflow', validate } };
}
