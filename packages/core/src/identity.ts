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

/**
 * A UUID version 7 (RFC 9562 section 5.7): 48 bits of epoch milliseconds, then randomness, so ids sort by time.
 *
 * @param nowMs - Epoch milliseconds.
 */
export function uuidv7(nowMs: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  for (let index = 0, rest = nowMs; index < 6; index++) {
    bytes[5 - index] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Fills in an identity; the id is made when it is first read. */
export function createIdentity(options: IdentityOptions, makeId: () => string): RunIdentity {
  let runId = options.runId;
  return {
    get runId() {
      runId ??= makeId();
      return runId;
    },
    requestId: options.requestId,
    sessionId: options.sessionId,
    interactionId: options.interactionId,
    userId: options.userId,
    tenantId: options.tenantId,
    correlationId: options.correlationId,
    traceId: options.traceId,
    spanId: options.spanId,
    parentRunId: options.parentRunId,
    service: options.service,
    mode: options.mode,
    metadata: options.metadata ?? {},
  };
}
