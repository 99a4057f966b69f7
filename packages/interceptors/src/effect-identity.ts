import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { type DeclaredEffect, encode, type InterceptedStage, StageflowError } from '@stageflow/core';
import type { IdempotencyIdentity } from '@stageflow/core/ports';
import { idempotencyKeyInvalid } from './errors.ts';
import { locationOf } from './location.ts';

/** Which call a stage is about to make. */
export interface IdentifiedEffect {
  readonly identity: IdempotencyIdentity;
  readonly paramsHash: string | undefined;
  readonly ttlMs: number | undefined;
}

/**
 * Which call a stage is about to make; `undefined` where it declares no key.
 *
 * @throws SF_IDEMPOTENCY_KEY_INVALID
 */
export function identify(stage: InterceptedStage): IdentifiedEffect | undefined {
  const effect = declaredBy(stage);
  if (effect === undefined) return undefined;
  const { key, scope = placeOf(stage), params, ttlMs } = effect;
  if (typeof key !== 'string' || key === '') {
    throw refused(stage, `idempotencyKey returned ${key === '' ? 'the empty string' : `a value of type ${typeof key}`}`);
  }
  const paramsHash = params === undefined ? undefined : hashOf(stage, params);
  return { identity: { tenantId: stage.identity.tenantId, scope, key }, paramsHash, ttlMs };
}

/** A stage above is making the same call, and waits for this one. */
export function waitsForItself(stage: InterceptedStage): StageflowError {
  return refused(stage, 'a stage that calls it has the same scope and key, so that each would wait for the other');
}

function declaredBy(stage: InterceptedStage): DeclaredEffect | undefined {
  try {
    return stage.effect;
  } catch (thrown) {
    throw refused(stage, 'idempotencyKey or deduplicate.params threw', thrown);
  }
}

/** The pipeline, and where in it the stage stands: without the keys of items, turns and calls, which change. */
function placeOf({ pipeline, path }: InterceptedStage): string {
  return `${pipeline}/${path.replace(/\[[^\]]*\]/g, '')}`;
}

/** SHA-256 of the parameters as canonical JSON: members in order, those that are `undefined` left out. */
function hashOf(stage: InterceptedStage, params: unknown): string {
  const encoded = encode(params);
  if ('refused' in encoded) throw refused(stage, `deduplicate.params returned data that has ${encoded.what} at ${encoded.refused}`);
  return bytesToHex(sha256(utf8ToBytes(JSON.stringify(canonical(JSON.parse(encoded.text))))));
}

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).filter(([, member]) => !isUndefined(member));
  return Object.fromEntries(members.sort(([left], [right]) => (left < right ? -1 : 1)).map(([key, member]) => [key, canonical(member)]));
}

/** As core's codec writes it. */
function isUndefined(encoded: unknown): boolean {
  return typeof encoded === 'object' && encoded !== null && '$sf' in encoded && encoded.$sf === 'undefined';
}

function refused(stage: InterceptedStage, why: string, cause?: unknown): StageflowError {
  return new StageflowError(
    idempotencyKeyInvalid,
    { stage: stage.stage, why },
    { ...locationOf(stage), ...(cause === undefined ? {} : { cause }) },
  );
}
