import { type Attributes, SpanKind } from '@opentelemetry/api';
import type { CustomEvent, RunEvent, StageEnvelope } from '@stageflow/core';
import { attribute } from './attributes.ts';
import { type ModelCall, modelCalled, modelCallOf } from './model-called.ts';
import type { RunTrace } from './run-trace.ts';

/** Adds to the spans of a run what interceptors do not see: retries, waits, stages that never started, calls of models. */
export function addToTrace(run: RunTrace, event: RunEvent): void {
  switch (event.type) {
    case 'attempt.failed':
      if (event.retryInMs === undefined) return;
      return addEvent(run, event, 'stageflow.retry', {
        [attribute.attempt]: event.attempt,
        [attribute.errorType]: event.error.code,
        [attribute.retryInMs]: event.retryInMs,
      });
    case 'attempt.abandoned':
      return addEvent(run, event, 'stageflow.abandoned', { [attribute.attempt]: event.attempt });
    case 'guard.failed_open':
      return addEvent(run, event, 'stageflow.failed_open', { [attribute.errorType]: event.error.code });
    case 'stage.suspended':
      return addEvent(run, event, 'stageflow.suspended', { [attribute.wait]: event.wait });
    case 'stage.resumed':
      return addEvent(run, event, 'stageflow.resumed', {});
    case 'stage.skipped':
      return addUnstarted(run, event, 'skipped', event.rootCause === undefined ? {} : { [attribute.rootCause]: event.rootCause });
    case 'stage.cancelled':
      return addUnstarted(run, event, 'cancelled', {});
    case 'stage.failed':
      return addUnstarted(run, event, 'failed', { [attribute.errorType]: event.error.code });
    case 'custom':
      return event.name === modelCalled.name ? addModelCall(run, event) : undefined;
    default:
  }
}

function addEvent(run: RunTrace, { path, elapsedMs }: StageEnvelope, name: string, attributes: Attributes): void {
  run.addEvent(name, path, elapsedMs, attributes);
}

/** A stage that never started has no span: it is an event of what it stands below. */
function addUnstarted(run: RunTrace, event: StageEnvelope, status: string, attributes: Attributes): void {
  const { attempt, path, stage } = event;
  if (attempt !== 0 || run.has(path)) return;
  addEvent(run, event, `stageflow.stage.${status}`, { [attribute.stage]: stage, [attribute.path]: path, ...attributes });
}

function addModelCall(run: RunTrace, { path, elapsedMs, payload }: CustomEvent): void {
  const call = modelCallOf(payload);
  if (call === undefined) return;
  const { operation = 'chat', provider, model, durationMs, errorType } = call;
  const attributes = attributesOf(call);
  run.addSpan(path, `${operation} ${model}`, { kind: SpanKind.CLIENT, attributes, errorType, endedMs: elapsedMs, durationMs });
  run.addAttributes(path, { [attribute.provider]: provider, [attribute.model]: model });
}

const written = [
  'provider',
  'model',
  'responseModel',
  'responseId',
  'finishReasons',
  'inputTokens',
  'outputTokens',
  'cachedInputTokens',
] as const;

function attributesOf(call: ModelCall): Attributes {
  const attributes: Attributes = { [attribute.operation]: call.operation ?? 'chat' };
  for (const name of written) {
    const value = call[name];
    if (value !== undefined) attributes[attribute[name]] = typeof value === 'object' ? [...value] : value;
  }
  return attributes;
}
