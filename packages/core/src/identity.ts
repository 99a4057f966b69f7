/** Who and what a run is for. Members that were not given are `undefined`; `runId` always exists. */
export interface RunIdentity {
  /** UUIDv7 unless given. */
  readonly runId: string;
  readonly requestId: string | undefined;
  readonly sessionId: string | undefined;
  readonly interactionId: string | undefined;
  readonly userId: string | undefined;
  readonly tenantId: string | undefined;
  /** Ties together runs, logs and messages that belong to one cause. */
  readonly correlationId: string | undefined;
  /** The W3C trace this run belongs to. */
  readonly traceId: string | undefined;
  readonly spanId: string | undefined;
  readonly parentRunId: string | undefined;
  /** The host application or service. */
  readonly service: string | undefined;
  /** How the run is executed: a word of the host's own, as `practice` or `fast`. */
  readonly mode: string | undefined;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** The part of a {@link RunIdentity} that the caller may give. */
export type IdentityOptions = { readonly [K in keyof RunIdentity]?: RunIdentity[K] | undefined };

/** Random bytes for a hundred ids: drawing costs the same for one as for all. */
const randomPool = new Uint8Array(1000);
let drawn: number = randomPool.length;

/**
 * A UUID version 7 (RFC 9562 section 5.7): 48 bits of epoch milliseconds, then randomness, so ids sort by time.
 *
 * @param nowMs - Epoch milliseconds.
 */
export function uuidv7(nowMs: number): string {
  if (drawn === randomPool.length) {
    crypto.getRandomValues(randomPool);
    drawn = 0;
  }
  let random = '';
  for (const end = drawn + 10; drawn < end; drawn++) random += ((randomPool[drawn] as number) + 256).toString(16).slice(1);
  const time = Math.floor(nowMs).toString(16).padStart(12, '0');
  const variant = '89ab'[Number.parseInt(random.charAt(4), 16) % 4];
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(1, 4)}-${variant}${random.slice(5, 8)}-${random.slice(8)}`;
}

/** The identity of a run, from what the caller gave. Plain data, frozen: it can be logged, stored and handed on. */
export function completeIdentity(given: IdentityOptions, makeId: () => string): RunIdentity {
  return Object.freeze({
    runId: given.runId ?? makeId(),
    requestId: given.requestId,
    sessionId: given.sessionId,
    interactionId: given.interactionId,
    userId: given.userId,
    tenantId: given.tenantId,
    correlationId: given.correlationId,
    traceId: given.traceId,
    spanId: given.spanId,
    parentRunId: given.parentRunId,
    service: given.service,
    mode: given.mode,
    metadata: Object.freeze({ ...given.metadata }),
  });
}
