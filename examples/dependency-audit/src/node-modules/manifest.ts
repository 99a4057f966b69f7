import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, isBusy } from './disk.ts';

/** A package.json as it was found. Nothing in it can be trusted to have the shape that npm documents. */
export type Manifest = Readonly<Record<string, unknown>>;

/**
 * Reads the package.json in `directory`, or says in words why it cannot be read.
 *
 * @throws What another attempt may mend, and the signal's reason once it aborted.
 */
export async function readManifest(directory: string, signal: AbortSignal): Promise<Manifest | string> {
  let text: string;
  try {
    text = await readFile(join(directory, 'package.json'), { encoding: 'utf8', signal });
  } catch (error) {
    signal.throwIfAborted();
    if (isBusy(error)) throw error;
    return codeOf(error) === 'ENOENT' ? 'package.json is missing' : `package.json cannot be read: ${codeOf(error)}`;
  }
  try {
    // npm reads manifests that begin with a byte order mark; JSON.parse does not.
    const parsed: unknown = JSON.parse(text.replace(/^\uFEFF/, ''));
    return isRecord(parsed) ? parsed : 'package.json is not an object';
  } catch {
    return 'package.json is not valid JSON';
  }
}

/** Whether `value` is an object with members to look at. */
export function isRecord(value: unknown): value is Manifest {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The text under `key` of `record`, trimmed; `undefined` where there is none, or either is not what it should be. */
export function textIn(record: unknown, key: string): string | undefined {
  if (!isRecord(record) || !Object.hasOwn(record, key)) return undefined;
  const value = record[key];
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}
