import type { Run } from '@stageflow/core';
import {
  type DrivenRun,
  type DrivenRunOptions,
  type Driver,
  driveRun,
  runStep,
  type StepHost,
  type StepOutcome,
  type StepRequest,
} from '@stageflow/core/driver';
import type { Plan } from '@stageflow/core/plan';
import { type ReplayingDriver, replayingDriver, type VirtualClock, virtualClock } from '@stageflow/testing';

/** What a driven run of a test is made with. */
export interface DrivenSetup {
  readonly input?: unknown;
  readonly options?: Omit<DrivenRunOptions, 'runId'>;
  readonly host?: Omit<StepHost, 'signal' | 'clock'>;
  readonly loses?: (request: StepRequest) => string | undefined;
  /** Runs steps otherwise than `runStep` does. */
  readonly runs?: (request: StepRequest, signal: AbortSignal, otherwise: () => Promise<StepOutcome>) => Promise<StepOutcome>;
  /** What the worker knows the pipeline as. @default the same */
  readonly worker?: { readonly plan: Plan };
  readonly clock?: VirtualClock;
}

/** A pipeline on a driver in memory. */
export interface OnDriver {
  readonly clock: VirtualClock;
  readonly driver: ReplayingDriver;
  readonly start: (driver: Driver) => DrivenRun;
  /** Walks to the end of the run. */
  readonly run: () => Promise<Run>;
  /** Walks until the run has come to rest, and is killed. */
  readonly walkTo: (ends: number) => Promise<Run | undefined>;
}

/** Sets a pipeline up on a driver in memory; its run is `run-1`. */
export function onDriver(pipeline: { readonly plan: Plan }, setup: DrivenSetup = {}): OnDriver {
  const { input = {}, options, host, loses, runs = (_request, _signal, otherwise) => otherwise(), clock = virtualClock() } = setup;
  const { plan } = pipeline;
  const { worker = pipeline } = setup;
  const driver = replayingDriver({
    clock,
    runStep: (request, signal) => runs(request, signal, () => runStep(worker.plan, request, { signal, clock, ...host })),
    loses,
  });
  const start = (port: Driver): DrivenRun => driveRun(plan, input, port, { runId: 'run-1', ...options });
  return {
    clock,
    driver,
    start,
    run: () => clock.settle(driver.walk(start)) as Promise<Run>,
    walkTo: (ends) => clock.settle(driver.walk(start, { killAfter: ends })),
  };
}

/** How the stages of a run ended, by path. */
export function statuses(run: Run): Record<string, string> {
  return Object.fromEntries(Array.from(run.stages, ([path, { status }]) => [path, status]));
}
