import { createRuntime, defineEvent, type Pipeline, pipeline, type RunEvent, type Schema, type SinkEntry, stage } from '@stageflow/core';
import type { Clock } from '@stageflow/core/ports';

const aNumber: Schema<unknown, number> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => (typeof value === 'number' ? { value } : { issues: [{ message: 'no number' }] }),
  },
};

/** An event that stages of tests emit. */
export const counted = defineEvent('app.counted', aNumber);

/** A pipeline whose one stage emits this many events at once: with those of the run, five more. */
export function emitting(count: number): Pipeline<never, { readonly it: number }> {
  const it = stage('it', {
    run: (_, { emit }) => {
      for (let index = 0; index < count; index++) emit(counted, index);
      return count;
    },
  });
  return pipeline('emitting', { outputs: { it } });
}

/** Runs {@link emitting} to its end, and closes the runtime. */
export async function runEmitting(count: number, sinks: readonly SinkEntry[], clock?: Clock): Promise<string> {
  const emits = emitting(count);
  const runtime = createRuntime({ pipelines: [emits], sinks, clock });
  const { status } = await runtime.run(emits, {});
  await runtime.close();
  return status;
}

/** An event as a runtime would make it, of a type that may be dropped. */
export function eventOf(seq: number): RunEvent {
  return { ...envelope(seq), type: 'custom', stage: 'it', path: 'it', attempt: 1, name: 'app.counted', payload: seq };
}

/** An event that no sink may lose. */
export function lastEvent(seq: number): RunEvent {
  const counts = { completed: 1, skipped: 0, failed: 0, blocked: 0, cancelled: 0 };
  return { ...envelope(seq), type: 'run.completed', durationMs: 1, counts, unsettled: [], degraded: false };
}

function envelope(seq: number) {
  const ids = { tenantId: undefined, traceId: undefined, correlationId: undefined, parentRunId: undefined };
  return { runId: 'r-1', pipeline: 'emitting', epoch: 1, seq, at: 1_735_689_600_000 + seq, elapsedMs: seq, ...ids };
}
