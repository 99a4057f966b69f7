import { type FailureMode, fail, optional, pipeline, type Stage, settled, skip, stage } from '@stageflow/core';
import { openTelemetry } from '@stageflow/otel';
import { virtualClock } from '@stageflow/testing';
import { startSdk } from '@stageflow-internal/otel-sdk-3';
import fc from 'fast-check';
import { expect, test } from 'vitest';

/** How one stage of a random graph behaves, and what it reads of those before it. */
const stageOf = fc.record({
  ends: fc.constantFrom('value', 'value', 'skip', 'fail', 'recovers', 'hangs'),
  edge: fc.constantFrom('plain', 'optional', 'settled'),
  reads: fc.uniqueArray(fc.nat({ max: 7 }), { maxLength: 3 }),
  ms: fc.nat({ max: 20 }),
});

test('whatever a run does, its spans say what its reports say, and all have ended', async () => {
  let failures = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(stageOf, { minLength: 1, maxLength: 8 }),
      fc.constantFrom<FailureMode>('fail-fast', 'continue', 'best-effort'),
      fc.option(fc.nat({ max: 40 })),
      async (plan, failureMode, abortAfterMs) => {
        const sdk = startSdk();
        const clock = virtualClock();
        const stages: Stage[] = [];
        for (const [at, { ends, edge, reads, ms }] of plan.entries()) {
          const sources = reads.flatMap((read) => stages[read] ?? []);
          const needs = Object.fromEntries(
            sources.map((source) => [source.name, edge === 'plain' ? source : edge === 'optional' ? optional(source) : settled(source)]),
          );
          const run = async (_: unknown, { attempt, signal }: { attempt: number; signal: AbortSignal }): Promise<unknown> => {
            await clock.sleep(ms, signal);
            if (ends === 'skip') return skip('no');
            if (ends === 'hangs') return new Promise(() => {});
            if (ends === 'fail' || (ends === 'recovers' && attempt === 1)) return fail(new Error('no'));
            return at;
          };
          stages.push(stage(`s${at}`, { needs, timeoutMs: 100, graceMs: 10, retry: { attempts: 2, baseMs: 1 }, run }));
        }
        const controller = new AbortController();
        if (abortAfterMs !== null) clock.schedule(() => controller.abort(), abortAfterMs);
        const telemetry = openTelemetry();
        const made = pipeline('p', { outputs: {}, also: Object.fromEntries(stages.map((each) => [each.name, each])) });
        const options = { clock, failureMode, graceMs: 10, signal: controller.signal, interceptors: [telemetry], sinks: [telemetry] };
        const run = await clock.settle(made.run({}, options));
        const spans = sdk.spans();
        await sdk.stop();
        if (run.status === 'failed') failures++;

        const root = spans.at(-1);
        expect([root?.name, root?.attributes['stageflow.status']]).toEqual(['invoke_workflow p', run.status]);
        const told = spans.filter(({ name }) => name.startsWith('transform '));
        const reports = [...run.stages.values()];
        const started = reports.filter(({ attempts }) => attempts > 0);
        const facts = (path: unknown, status: unknown, attempts: unknown): string => `${path} ${status} ${attempts}`;
        expect(
          told.map(({ attributes: a }) => facts(a['stageflow.path'], a['stageflow.status'], a['stageflow.attempts'])).toSorted(),
        ).toEqual(started.map(({ path, status, attempts }) => facts(path, status, attempts)).toSorted());
        expect(spans.filter(({ name }) => name.startsWith('attempt '))).toHaveLength(
          started.reduce((sum, { attempts }) => sum + attempts, 0),
        );
        expect(root?.events.map(({ attributes }) => attributes?.['stageflow.path']).toSorted()).toEqual(
          reports.filter(({ attempts }) => attempts === 0).map(({ path }) => path),
        );
        const ids = new Set(spans.map((span) => span.spanContext().spanId));
        expect(spans.slice(0, -1).every(({ parentSpanContext }) => ids.has(parentSpanContext?.spanId ?? ''))).toBe(true);
        expect(spans.flatMap(({ links }) => links).every(({ context }) => ids.has(context.spanId))).toBe(true);
      },
    ),
    { numRuns: 200 },
  );
  expect(failures).toBeGreaterThan(0);
});
