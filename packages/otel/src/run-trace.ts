import {
  type Attributes,
  type Context,
  type Link,
  type Span,
  type SpanContext,
  type SpanKind,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { InterceptedStage, Run, StageOutcome } from '@stageflow/core';
import { attribute } from './attributes.ts';
import { hrTime } from './hr-time.ts';
import { type Ending, exceptionOf, writeEnding, writeError } from './span-end.ts';
import { identityOfAttempt, identityOfStage, type SpanIdentity } from './span-identity.ts';
import { pathAround } from './stage-path.ts';

/** A span that has not ended, with the context in which it is active. */
export interface OpenSpan {
  readonly span: Span;
  readonly context: Context;
}

/** Something that has ended. */
interface PastSpan {
  readonly kind: SpanKind;
  readonly attributes: Attributes;
  /** Present where it failed. */
  readonly errorType: string | undefined;
  /** Milliseconds after the start of the run. */
  readonly endedMs: number;
  readonly durationMs: number;
}

/** What is known of the spans of one stage. Of spans that have ended only their ids: runs may be large. */
interface StageTrace {
  readonly ids: SpanContext;
  open: OpenSpan | undefined;
  attempts: number;
  /** The latest attempt. */
  attempt: { readonly ids: SpanContext; open: OpenSpan | undefined } | undefined;
}

/** The spans of one activation of a run. */
export class RunTrace {
  readonly runId: string;
  readonly span: Span;
  readonly context: Context;
  readonly ids: SpanContext;
  /** Whether it is worth telling: where the run itself is not sampled, nothing below it is. */
  readonly isRecording: boolean;
  readonly #tracer: Tracer;
  /** Epoch milliseconds at the start of the run; times of spans count monotonically from there, as those of events do. */
  readonly #startedAt: number;
  readonly #stages = new Map<string, StageTrace>();
  #ended = false;

  /** @param around - The context the run was started in. */
  constructor(tracer: Tracer, runId: string, { name, attributes }: SpanIdentity, around: Context, startedAt: number) {
    this.runId = runId;
    this.#tracer = tracer;
    this.#startedAt = startedAt;
    this.span = tracer.startSpan(name, { attributes, startTime: hrTime(startedAt) }, around);
    this.context = trace.setSpan(around, this.span);
    this.ids = this.span.spanContext();
    this.isRecording = this.span.isRecording();
  }

  /** Begins the span of a stage below its region or caller, linked to the stages that it waited for. */
  startStage(stage: InterceptedStage): OpenSpan {
    const { name, attributes } = identityOfStage(stage);
    const links = stage.needs.flatMap((path): Link[] => {
      const need = this.#stages.get(path);
      return need === undefined ? [] : [{ context: need.ids, attributes: { [attribute.path]: path } }];
    });
    const open = this.#start({ name, attributes }, this.contextAround(stage.path), stage.elapsedMs, links);
    this.#stages.set(stage.path, { ids: open.span.spanContext(), open, attempts: 0, attempt: undefined });
    return open;
  }

  startAttempt(stage: InterceptedStage): OpenSpan {
    const known = this.#stages.get(stage.path);
    const open = this.#start(identityOfAttempt(stage), known?.open?.context ?? this.contextAround(stage.path), stage.elapsedMs);
    if (known !== undefined) {
      known.attempts++;
      known.attempt = { ids: open.span.spanContext(), open };
    }
    return open;
  }

  endStage({ path, elapsedMs }: Pick<InterceptedStage, 'path' | 'elapsedMs'>, { span }: OpenSpan, ending: Ending): void {
    const known = this.#stages.get(path);
    if (known?.open?.span === span) {
      this.#endAttempt(known, ending, elapsedMs);
      span.setAttribute(attribute.attempts, known.attempts);
      known.open = undefined;
    }
    this.#end(span, ending, elapsedMs);
  }

  endAttempt({ path, elapsedMs }: InterceptedStage, { span }: OpenSpan, outcome: StageOutcome): void {
    const attempt = this.#stages.get(path)?.attempt;
    if (attempt?.open?.span === span) attempt.open = undefined;
    if (outcome.status === 'failed') span.addEvent('exception', exceptionOf(outcome.error), this.#at(elapsedMs));
    this.#end(span, outcome, elapsedMs);
  }

  /** Ends the span of the run, and of stages that are held back: those that wait, and those that were given up. */
  end(ending: Ending, elapsedMs: number, reports?: Run['stages']): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const [path, { open }] of this.#stages) {
      if (open !== undefined) this.endStage({ path, elapsedMs }, open, reports?.get(path)?.outcome ?? { status: 'cancelled' });
    }
    this.#end(this.span, ending, elapsedMs);
  }

  /** The context of what a stage does: of its latest attempt where it has made one. */
  contextAt(path: string): Context {
    const known = this.#stages.get(path);
    if (known === undefined) return this.contextAround(path);
    const open = known.attempt === undefined ? known.open : known.attempt.open;
    return open?.context ?? trace.setSpanContext(this.context, known.attempt?.ids ?? known.ids);
  }

  /** The context of what a stage stands below. */
  contextAround(path: string): Context {
    const around = pathAround(path);
    return around === undefined ? this.context : this.contextAt(around);
  }

  /** Whether the stage has a span of its own. */
  has(path: string): boolean {
    return this.#stages.has(path);
  }

  /** Writes an event on the span of a stage; where that has ended or never was, on the nearest around it that is open. */
  addEvent(name: string, path: string, elapsedMs: number, attributes: Attributes): void {
    let at: string | undefined = path;
    while (at !== undefined && this.#stages.get(at)?.open === undefined) at = pathAround(at);
    const open = at === undefined ? undefined : this.#stages.get(at)?.open;
    (open?.span ?? this.span).addEvent(name, attributes, this.#at(elapsedMs));
  }

  /** Adds to what is known of a stage, while its span is open. */
  addAttributes(path: string, attributes: Attributes): void {
    this.#stages.get(path)?.open?.span.setAttributes(attributes);
  }

  /** Writes the span of something that has ended already, below the latest attempt of a stage. */
  addSpan(path: string, name: string, { kind, attributes, errorType, endedMs, durationMs }: PastSpan): void {
    const startTime = this.#at(endedMs - durationMs);
    const span = this.#tracer.startSpan(name, { kind, attributes, startTime }, this.contextAt(path));
    if (errorType !== undefined) writeError(span, errorType);
    span.end(this.#at(endedMs));
  }

  #start({ name, attributes }: SpanIdentity, around: Context, elapsedMs: number, links: Link[] = []): OpenSpan {
    const span = this.#tracer.startSpan(name, { attributes, links, startTime: this.#at(elapsedMs) }, around);
    return { span, context: trace.setSpan(around, span) };
  }

  #end(span: Span, ending: Ending, elapsedMs: number): void {
    writeEnding(span, ending);
    span.end(this.#at(elapsedMs));
  }

  #endAttempt({ attempt }: StageTrace, ending: Ending, elapsedMs: number): void {
    if (attempt?.open === undefined) return;
    this.#end(attempt.open.span, ending, elapsedMs);
    attempt.open = undefined;
  }

  #at(elapsedMs: number): ReturnType<typeof hrTime> {
    return hrTime(this.#startedAt + elapsedMs);
  }
}
