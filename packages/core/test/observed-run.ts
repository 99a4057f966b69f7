import type { Run, RunEvent } from '@stageflow/core';
import type { Plan } from '@stageflow/core/plan';
import { recordingSink, seededIds, virtualClock } from '@stageflow/testing';
import { type Facts, givenRandom } from './model-of-attempts.ts';
import { givenInput, givenService, type ScriptedGraph } from './scripted-graph.ts';
import { type Deed, type Stagehand, scriptedPipeline } from './scripted-pipeline.ts';

/** All that was seen of one run. */
export interface Observed {
  readonly plan: Plan;
  readonly run: Run;
  readonly events: readonly RunEvent[];
  readonly deeds: readonly Deed[];
  readonly facts: Facts;
  /** What happened after the run had resolved. */
  readonly afterwards: { readonly events: number; readonly calls: number };
}

/** Runs a graph in virtual time, and goes on watching until no timer is left. */
export async function observe(graph: ScriptedGraph): Promise<Observed> {
  const clock = virtualClock();
  const caller = new AbortController();
  const hand: Stagehand = { clock, caller, deeds: [] };
  const pipeline = scriptedPipeline(graph, hand);
  const sink = recordingSink();
  const { failureMode, maxConcurrency, deadlineMs, abortAtMs, graceMs, timings } = graph;
  if (abortAtMs === 0) caller.abort('the caller aborted');
  else if (abortAtMs !== undefined) clock.schedule(() => caller.abort('the caller aborted'), abortAtMs);
  const running = pipeline.run(
    { text: givenInput },
    {
      clock,
      signal: caller.signal,
      random: () => givenRandom,
      makeId: seededIds('run'),
      sinks: [sink],
      services: { model: givenService },
      ...{ failureMode, maxConcurrency, deadlineMs, graceMs, timings },
    },
  );
  const run = await clock.settle(running);
  const events = [...sink.events];
  const deeds = [...hand.deeds];
  await clock.runAll();
  const isCall = ({ did }: Deed): boolean => did === 'called';
  const afterwards = { events: sink.events.length - events.length, calls: hand.deeds.filter(isCall).length - deeds.filter(isCall).length };
  return { plan: pipeline.plan, run, events, deeds, facts: factsOf(run, events, deeds), afterwards };
}

function factsOf(run: Run, events: readonly RunEvent[], deeds: readonly Deed[]): Facts {
  const stopping = events.find(({ type }) => type === 'run.stopping');
  const stopSeq = stopping?.seq ?? Number.POSITIVE_INFINITY;
  const takenUpAt = new Map<string, number>();
  const failedSeq = new Map<string, number>();
  const cancelledAt = new Map<string, number>();
  for (const event of events) {
    if (event.type.startsWith('stage.') && 'stage' in event && !takenUpAt.has(event.stage) && event.seq < stopSeq)
      takenUpAt.set(event.stage, event.elapsedMs);
    if (event.type === 'stage.cancelled') cancelledAt.set(event.stage, event.elapsedMs);
    if (event.type === 'attempt.failed') failedSeq.set(`${event.stage} ${event.attempt}`, event.seq);
  }
  const callsAt = new Map<string, number[]>();
  for (const { did, stage, atMs } of deeds) {
    if (did !== 'called') continue;
    const calls = callsAt.get(stage);
    if (calls === undefined) callsAt.set(stage, [atMs]);
    else calls.push(atMs);
  }
  return {
    takenUpAt,
    callsAt,
    stopAt: stopping?.elapsedMs ?? Number.POSITIVE_INFINITY,
    endAt: events.at(-1)?.elapsedMs ?? run.elapsedMs,
    failedAfterStop: (stage, attempt) => (failedSeq.get(`${stage} ${attempt}`) ?? Number.POSITIVE_INFINITY) > stopSeq,
    cancelledAt: (stage) => cancelledAt.get(stage) ?? Number.NaN,
  };
}
