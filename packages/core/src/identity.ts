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

const hexOfByte: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Random bytes are drawn for many ids at once: one draw costs more than one id. */
const randomPool = new Uint8Array(2560);
let randomUsed: number = randomPool.length;

/**
 * A UUID version 7 (RFC 9562 section 5.7): 48 bits of epoch milliseconds, then randomness, so ids sort by time.
 *
 * @param nowMs - Epoch milliseconds.
 */
export function uuidv7(nowMs: number): string {
  if (randomUsed === randomPool.length) {
    crypto.getRandomValues(randomPool);
    randomUsed = 0;
  }
  const time = Math.floor(nowMs).toString(16).padStart(12, '0');
  const random = (index: number): string => hexOfByte[randomPool[randomUsed + index] ?? 0] ?? '';
  const version = hexOfByte[0x70 | ((randomPool[randomUsed] ?? 0) & 0x0f)];
  const variant = hexOfByte[0x80 | ((randomPool[randomUsed + 1] ?? 0) & 0x3f)];
  const tail = random(2) + random(3) + random(4) + random(5) + random(6) + random(7);
  const id = `${time.slice(0, 8)}-${time.slice(8)}-${version}${random(8)}-${variant}${random(9)}-${tail}`;
  randomUsed += 10;
  return id;
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
