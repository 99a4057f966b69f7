import { isStageflowError, type StageflowErrorJson } from '../errors.ts';
import { plainError, revivedError } from './error-json.ts';

/** A value as text, made by {@link encode}: JSON with tags for what JSON has no word for. */
export type Encoded = string & { readonly '~encoded'?: never };

/** What {@link encode} made: the text, or the path of what cannot be kept. */
export type EncodeResult = { readonly text: Encoded } | { readonly refused: string; readonly what: string };

/** Marks the objects that stand for something else. Objects of users that have it as a member are wrapped. */
const tag = '$sf';

interface Tagged {
  readonly [tag]: string;
  readonly value?: unknown;
}

/**
 * A value as text that {@link decode} reads back: plain data, `undefined`, `NaN`, infinities, `-0`, BigInt, Date, Map,
 * Set, bytes, errors. Functions, symbols, class instances and circles are refused, with the path to them. Does not throw.
 */
export function encode(value: unknown): EncodeResult {
  const refusal: { path?: string; what?: string } = {};
  const open = new Set<object>();
  const refuse = (path: string, what: string): undefined => {
    refusal.path ??= path;
    refusal.what ??= what;
    return undefined;
  };
  const plain = (given: unknown, path: string): unknown => {
    if (typeof given === 'string' || typeof given === 'boolean' || given === null) return given;
    if (typeof given === 'number')
      return Number.isFinite(given) && !Object.is(given, -0) ? given : tagged('number', Object.is(given, -0) ? '-0' : String(given));
    if (given === undefined) return tagged('undefined');
    if (typeof given === 'bigint') return tagged('bigint', String(given));
    if (typeof given !== 'object') return refuse(path, `a ${typeof given}`);
    if (open.has(given)) return refuse(path, 'a circle');
    open.add(given);
    const made = ofObject(given, path);
    open.delete(given);
    return made;
  };
  const ofObject = (given: object, path: string): unknown => {
    if (Array.isArray(given)) return Array.from(given, (item, at) => plain(item, `${path}[${at}]`));
    if (given instanceof Date) return tagged('date', String(given.getTime()));
    if (given instanceof Uint8Array) return tagged('bytes', toBase64(given));
    if (given instanceof Map)
      return tagged(
        'map',
        Array.from(given, ([key, item], at) => [plain(key, `${path}<key ${at}>`), plain(item, `${path}<${at}>`)]),
      );
    if (given instanceof Set)
      return tagged(
        'set',
        Array.from(given, (item, at) => plain(item, `${path}<${at}>`)),
      );
    if (isStageflowError(given)) return tagged('failure', plainError(given));
    if (given instanceof Error) {
      const { name, message, stack } = given;
      return tagged('error', { name, message, stack, ...('cause' in given ? { cause: plain(given.cause, `${path}.cause`) } : {}) });
    }
    const prototype: unknown = Object.getPrototypeOf(given);
    if (prototype !== Object.prototype && prototype !== null)
      return refuse(path, `an instance of ${(given.constructor as { name?: string } | undefined)?.name ?? 'a class'}`);
    const members = Object.entries(given).map(([key, member]) => [key, plain(member, `${path}.${key}`)]);
    const copy: unknown = Object.fromEntries(members);
    return Object.hasOwn(given, tag) ? tagged('object', members) : copy;
  };
  try {
    const text = JSON.stringify(plain(value, 'value'));
    return refusal.path === undefined ? { text: text as Encoded } : { refused: refusal.path, what: String(refusal.what) };
  } catch (error) {
    return { refused: 'value', what: `something whose members cannot be read (${String(error)})` };
  }
}

/**
 * Reads what {@link encode} wrote.
 *
 * @throws SyntaxError where the text was not made by it.
 */
export function decode(text: Encoded): unknown {
  return revive(JSON.parse(text));
}

/** How many bytes become characters at once: fewer than a call takes arguments. */
const chunk = 0x8000;

function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += chunk) text += String.fromCharCode(...bytes.subarray(at, at + chunk));
  return btoa(text);
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

function tagged(kind: string, value?: unknown): Tagged {
  return value === undefined ? { [tag]: kind } : { [tag]: kind, value };
}

function revive(given: unknown): unknown {
  if (typeof given !== 'object' || given === null) return given;
  if (Array.isArray(given)) return given.map(revive);
  if (!Object.hasOwn(given, tag)) return withMembers(Object.entries(given));
  const { [tag]: kind, value } = given as Tagged;
  switch (kind) {
    case 'undefined':
      return undefined;
    case 'number':
      return Number(value);
    case 'bigint':
      return BigInt(value as string);
    case 'date':
      return new Date(Number(value));
    case 'bytes':
      // A list of numbers in what earlier versions wrote.
      return typeof value === 'string' ? fromBase64(value) : Uint8Array.from(value as number[]);
    case 'map':
      return new Map((value as [unknown, unknown][]).map(([key, item]) => [revive(key), revive(item)]));
    case 'set':
      return new Set((value as unknown[]).map(revive));
    case 'failure':
      return revivedError(value as StageflowErrorJson);
    case 'error':
      return reviveError(value as { name: string; message: string; stack?: string; cause?: unknown });
    case 'object':
      return withMembers(value as [string, unknown][]);
    default:
      throw new SyntaxError(`a value is tagged "${kind}", which this version does not know`);
  }
}

/** Defined rather than assigned, so that a member named `__proto__` is a member. */
function withMembers(members: readonly (readonly [string, unknown])[]): object {
  return Object.fromEntries(members.map(([key, member]) => [key, revive(member)]));
}

function reviveError({ name, message, stack, cause }: { name: string; message: string; stack?: string; cause?: unknown }): Error {
  const error = new Error(message, cause === undefined ? undefined : { cause: revive(cause) });
  Object.defineProperty(error, 'name', { value: name, configurable: true, writable: true });
  if (stack !== undefined) error.stack = stack;
  return error;
}
