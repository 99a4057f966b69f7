import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, isBusy } from './disk.ts';

/** A package.json as it was found. Nothing in it can be trusted to have the shape that npm documents. */
export type Manifest = Readonly<Record<string, unknown>>;

/** There is no manifest to read in a place; the message says why, for whoever reads the report. */
export class UnreadableManifest extends Error {}

/**
 * Reads the package.json in `directory`.
 *
 * @throws UnreadableManifest, what another attempt may mend, and the signal's reason once it aborted.
 */
export async function readManifest(directory: string, signal: AbortSignal): Promise<Manifest> {
  let text: string;
  try {
    text = await readFile(join(directory, 'package.json'), { encoding: 'utf8', signal });
  } catch (error) {
    signal.throwIfAborted();
    if (isBusy(error)) throw error;
    const problem = codeOf(error) === 'ENOENT' ? 'is missing' : `cannot be read: ${codeOf(error)}`;
    throw new UnreadableManifest(`package.json ${problem}`, { cause: error });
  }
  const parsed = parse(text);
  if (!isRecord(parsed)) throw new UnreadableManifest('package.json is not an object');
  return parsed;
}

function parse(text: string): unknown {
  try {
    // npm reads manifests that begin with a byte order mark; JSON.parse does not.
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    throw new UnreadableManifest('package.json is not valid JSON', { cause });
  }
}

/** What an audit looks at in a manifest: the rest may be long, and would be kept in the journal of the run. */
export function relevantPart(manifest: Manifest): Manifest {
  const members = ['license', 'licenses', 'engines', 'scripts'].filter((member) => Object.hasOwn(manifest, member));
  return Object.fromEntries(members.map((member) => [member, manifest[member]]));
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
