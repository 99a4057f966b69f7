import { decode, type Encoded, encode } from '../durable/codec.ts';
import { StageflowError } from '../errors.ts';
import type { Journal, JournaledEnd, WaitAnswer, WaitListener, WaitRequest, WaitState } from '../execution/journal.ts';
import type { ScopeState } from '../execution/scope-state.ts';
import { yieldToHost } from '../execution/yield-to-host.ts';
import type { StageOutcome } from '../outcome.ts';
import type { PlannedStage } from '../plan/plan.ts';
import type { SignalRequest, StepRequest } from '../ports/driver.ts';
import type { OpenWait } from '../run.ts';

/** What one step knows of its run: what came with its request, and what is to leave with its outcome. */
export class StepJournal implements Journal {
  readonly epoch = 1;
  readonly openWaits: readonly OpenWait[] = [];
  /** A step sleeps in its worker. */
  readonly restAfterMs: number = Number.POSITIVE_INFINITY;
  /** What the step waits for. */
  readonly asked: SignalRequest[] = [];
  /** What the step has called to the end, by path. */
  readonly calls: Record<string, Encoded>;
  /** The output of the stage, or what it asks, as it leaves. */
  kept: Encoded | undefined = undefined;
  readonly #request: StepRequest;

  constructor(request: StepRequest) {
    this.#request = request;
    this.calls = { ...request.calls };
  }

  restored(path: string): JournaledEnd | undefined {
    const { calls } = this.#request;
    return Object.hasOwn(calls, path) ? (decode(calls[path] as Encoded) as JournaledEnd) : undefined;
  }

  /** What it calls is not handed on, so it may yield anything. */
  keep(path: string, output: unknown): StageflowError | undefined {
    if (path !== this.#request.path) return undefined;
    const result = encode(output);
    if (!('text' in result))
      return new StageflowError('SF_NOT_SERIALIZABLE', { stage: path, at: result.refused, received: result.what }, { path });
    this.kept = result.text;
    return undefined;
  }

  /** A call that failed is made again; so is one that yields what cannot be kept. */
  record(state: ScopeState, stage: PlannedStage, outcome: StageOutcome): void {
    const path = state.pathOf(stage);
    if (path === this.#request.path || (outcome.status !== 'completed' && outcome.status !== 'skipped')) return;
    const end: JournaledEnd = { outcome, attempts: state.attemptsOf(stage.index) };
    const result = encode(end);
    if ('text' in result) this.calls[path] = result.text;
  }

  mayBegin(): boolean {
    return true;
  }

  wait({ path, type, request, expiresAt, otherwise }: WaitRequest, { onOpen }: WaitListener): WaitState {
    const waitId = waitIdOf(path, type);
    const answer = this.answer(path, type);
    if (answer !== undefined)
      return answer.expired === true ? { waitId, state: 'expired' } : { waitId, state: 'answered', answer: answer.value };
    this.asked.push({ waitId, path, type, request: textOf(request), expiresAt, otherwise: textOf(otherwise) });
    // What the stage knows already goes on first: it may be about to end, whatever else it waits for.
    yieldToHost(onOpen);
    return { waitId, state: 'open' };
  }

  answer(path: string, type: string): WaitAnswer | undefined {
    const { answers, expired } = this.#request;
    const waitId = waitIdOf(path, type);
    if (Object.hasOwn(answers, waitId)) return { value: decode(answers[waitId] as Encoded) };
    return expired.includes(waitId) ? { expired: true } : undefined;
  }
}

function textOf(value: unknown): Encoded | undefined {
  const encoded = value === undefined ? undefined : encode(value);
  return encoded !== undefined && 'text' in encoded ? encoded.text : undefined;
}

/** Names may hold the sign that parts the two. */
function waitIdOf(path: string, type: string): string {
  const escaped = (text: string): string => text.replace(/[%#]/g, encodeURIComponent);
  return `${escaped(path)}#${escaped(type)}`;
}
