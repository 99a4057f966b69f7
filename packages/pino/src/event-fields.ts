import type { RunEvent } from '@stageflow/core';

/** The members of an event that are values of users, that pino says itself, or whose names loggers use for something else. */
type Unlogged = 'type' | 'name' | 'at' | 'chunk' | 'payload' | 'version' | 'fraction' | 'message';

/** What happened, in one word: the type of the event, or the name of one of the host's own. */
export function nameOf(event: RunEvent): string {
  return event.type === 'custom' ? event.name : event.type;
}

/**
 * An event as fields of a log line: its members under their own names, and what happened as `event`. What a stage gave, and
 * what an event of the host carries, stays out.
 */
export function fieldsOf(event: RunEvent): Record<string, unknown> {
  const { type, name, at, chunk, payload, version, fraction, message, ...fields } = event as RunEvent & {
    readonly [K in Unlogged]?: unknown;
  };
  const progress = type === 'stage.progressed' ? { progress: { fraction, message } } : {};
  return { event: nameOf(event), ...fields, ...progress };
}
