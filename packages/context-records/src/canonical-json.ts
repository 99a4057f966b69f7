import { StageflowError } from '@stageflow/core';
import { recordInvalid } from './errors.ts';

/**
 * Plain data as one text: equal data give equal texts, whatever the order of their members. Members that are `undefined`
 * do not count.
 *
 * @throws SF_RECORD_INVALID where the data are not plain, or hold themselves.
 */
export function canonicalJson(data: unknown): string {
  return written(data, '', []);
}

function written(value: unknown, place: string, above: readonly object[]): string {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return JSON.stringify(value);
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value);
  if (typeof value !== 'object') throw notPlain(place, typeof value === 'number' ? String(value) : `a ${typeof value}`);
  if (above.includes(value)) throw notPlain(place, 'a value that holds itself');
  const inside = [...above, value];
  if (Array.isArray(value)) return `[${value.map((item, index) => written(item ?? null, `${place}[${index}]`, inside)).join(',')}]`;
  if (!isPlain(value)) throw notPlain(place, `an instance of ${value.constructor?.name ?? 'a class'}`);
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${written(member, place === '' ? key : `${place}.${key}`, inside)}`);
  return `{${members.join(',')}}`;
}

/** Whether `value` is an object as JSON has them: no list, no instance of a class. */
export function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

function notPlain(place: string, received: string): StageflowError {
  const subject = place === '' ? 'The data of a record' : `"${place}" in the data of a record`;
  return new StageflowError(recordInvalid, { subject, expected: 'plain data, as JSON has it', received });
}
