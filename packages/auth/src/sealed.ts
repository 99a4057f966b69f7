import { StageflowError } from '@stageflow/core';
import type { NewRun, RunStore, StoredRun } from '@stageflow/core/ports';
import { sealBroken } from './errors.ts';
import { wrongOption } from './key-set.ts';

/** Where in the metadata of a run its seal is kept. */
const sealName = 'stageflow.seal';

/** What {@link sealed} takes. */
export interface SealOptions {
  /** Secrets of at least 32 bytes. The first seals; all of them open, so that keys can be changed while runs are kept. */
  readonly keys: readonly Uint8Array[];
}

/**
 * A store whose runs cannot be changed unnoticed: whose they are, which pipeline they are of, and what they were given is
 * sealed (HMAC-SHA-256) when a run is created, and compared whenever it is loaded. A run without a seal is refused as well.
 * How stages ended, and answers, are not sealed.
 *
 * @throws SF_OPTION_INVALID; `load` rejects with SF_AUTH_SEAL_BROKEN.
 * @example
 * ```ts
 * const runtime = createRuntime({ pipelines: [chat], store: sealed(store, { keys: [key] }) });
 * ```
 */
export function sealed(store: RunStore, { keys }: SealOptions): RunStore {
  if (keys.length === 0 || keys.some((key) => !(key instanceof Uint8Array) || key.length < 32)) {
    throw wrongOption('keys', 'a list of at least one key of at least 32 bytes', `${keys.length} keys, or a shorter one`);
  }
  const imported = keys.map((key) => importKey(key));
  const sealing: Pick<RunStore, 'create' | 'load'> = {
    create: async (given, lease) => {
      const { run } = withoutSeal(given);
      const seal = await sealOf(run, await (imported[0] as Promise<CryptoKey>));
      await store.create({ ...run, identity: { ...run.identity, metadata: { ...run.identity.metadata, [sealName]: seal } } }, lease);
    },
    load: async (runId, tenantId) => {
      const found = await store.load(runId, tenantId);
      return found && opened(found, runId, await Promise.all(imported));
    },
  };
  // Everything else as it is, with the store as its `this`, also what a store has besides the port.
  return new Proxy(store, {
    get: (target, name) => {
      if (name === 'create' || name === 'load') return sealing[name];
      const member: unknown = Reflect.get(target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

type CryptoKey = Awaited<ReturnType<typeof importKey>>;

function importKey(key: Uint8Array) {
  return crypto.subtle.importKey('raw', new Uint8Array(key), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify']);
}

async function sealOf(run: NewRun, key: CryptoKey): Promise<string> {
  return hex(await crypto.subtle.sign('HMAC', key, contentOf(run)));
}

/** The run without its seal. @throws SF_AUTH_SEAL_BROKEN */
async function opened(found: StoredRun, runId: string, keys: readonly CryptoKey[]): Promise<StoredRun> {
  const { seal, run } = withoutSeal(found);
  if (typeof seal !== 'string') throw new StageflowError(sealBroken, { runId, why: 'it has no seal' }, { runId });
  if (found.runId !== runId) throw new StageflowError(sealBroken, { runId, why: 'it is another run' }, { runId });
  const content = contentOf(run);
  for (const key of keys) if (await crypto.subtle.verify('HMAC', key, bytesOf(seal), content)) return run;
  throw new StageflowError(sealBroken, { runId, why: 'the seal is of something else' }, { runId });
}

function withoutSeal<R extends NewRun>(kept: R): { readonly seal: unknown; readonly run: R } {
  const { [sealName]: seal, ...metadata } = kept.identity.metadata;
  return { seal, run: { ...kept, identity: { ...kept.identity, metadata } } };
}

/** What is sealed, in one way of writing it. */
function contentOf({ runId, pipeline, version, identity, input, createdAt }: NewRun): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify({ runId, pipeline, version, identity, input, createdAt }, sorted));
}

/** Stores may give the members of an object back in another order, and leave out those that are `undefined`, as JSON does. */
function sorted(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1)));
}

function hex(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
