import type { Counter, Histogram } from 'prom-client';
import { ActiveRunCounts } from './active-runs.ts';
import { BreakerCircuits } from './breaker-circuits.ts';
import { type AnyRegistry, MetricFactory } from './metric-factory.ts';
import { type LabelLimits, Labels } from './run-labels.ts';
import { SinkTotals } from './sink-totals.ts';

/** What the metrics of one registry are made with. */
export interface InstrumentOptions extends LabelLimits {
  readonly prefix: string;
  readonly buckets: readonly number[];
}

type RunLabel = 'pipeline' | 'tenant';
type StageLabel = 'pipeline' | 'stage';

/** The metrics of one registry under one prefix, shared by everyone who records there. */
export class Instruments {
  readonly factory: MetricFactory;
  readonly labels: Labels;
  readonly activeRuns: ActiveRunCounts = new ActiveRunCounts();
  readonly circuits: BreakerCircuits = new BreakerCircuits();
  readonly sinkTotals: SinkTotals = new SinkTotals();
  readonly runDuration: Histogram<RunLabel | 'status'>;
  readonly runs: Counter<RunLabel | 'status'>;
  readonly runFailures: Counter<RunLabel | 'code'>;
  readonly stageDuration: Histogram<StageLabel | 'kind' | 'status'>;
  readonly stageQueue: Histogram<StageLabel>;
  readonly stages: Counter<StageLabel | 'kind' | 'status'>;
  readonly stageFailures: Counter<StageLabel | 'code'>;
  readonly retries: Counter<StageLabel>;
  readonly abandoned: Counter<StageLabel>;
  readonly late: Counter<StageLabel>;
  readonly failedOpen: Counter<StageLabel>;
  readonly lost: Counter<'sink'>;

  constructor(registry: AnyRegistry, { prefix, buckets, ...limits }: InstrumentOptions) {
    const make = new MetricFactory(registry, prefix);
    const run: readonly RunLabel[] = limits.tenants === undefined ? ['pipeline'] : ['pipeline', 'tenant'];
    const stage: readonly StageLabel[] = ['pipeline', 'stage'];
    this.factory = make;
    this.labels = new Labels(limits);
    this.runDuration = make.histogram('run_duration_seconds', 'How long runs took, by how they ended.', [...run, 'status'], buckets);
    this.runs = make.counter('runs_total', 'Runs that ended, by status.', [...run, 'status']);
    this.runFailures = make.counter('run_failures_total', 'Runs that failed, by the code of their error.', [...run, 'code']);
    make.gauge('runs_active', 'Runs under way.', run, (gauge) => {
      for (const { labels, count } of this.activeRuns) gauge.set(labels, count);
    });
    const timed = [...stage, 'kind', 'status'] as const;
    this.stageDuration = make.histogram('stage_duration_seconds', 'How long stages took, with their retries.', timed, buckets);
    this.stageQueue = make.histogram('stage_queue_seconds', 'How long stages waited for a slot.', stage, buckets);
    this.stages = make.counter('stages_total', 'Stages that ended, by status.', timed);
    this.stageFailures = make.counter('stage_failures_total', 'Stages that failed, by the code of their error.', [...stage, 'code']);
    this.retries = make.counter('stage_retries_total', 'Attempts that failed and were followed by another.', stage);
    this.abandoned = make.counter('attempts_abandoned_total', 'Attempts that ignored their signal and were given up.', stage);
    this.late = make.counter('attempts_late_total', 'Attempts that settled after they were given up.', stage);
    this.failedOpen = make.counter('guards_failed_open_total', 'Guards that could not judge and let pass.', stage);
    this.lost = make.counter('events_lost_total', 'Events that were dropped before they could be counted here.', ['sink']);
    make.counter('sink_events_total', 'What became of the events given to sinks.', ['sink', 'result'], (counter) => {
      for (const { sink, result, count } of this.sinkTotals) counter.inc({ sink, result }, count);
    });
    make.gauge('breaker_circuits', 'Circuits of a breaker that are open or half open.', ['breaker', 'state'], (gauge) => {
      for (const { breaker, state, count } of this.circuits) gauge.set({ breaker, state }, count);
    });
  }
}
