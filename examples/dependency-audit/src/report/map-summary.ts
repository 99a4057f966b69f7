import type { Run, StageReport } from '@stageflow/core';
import { itemOf } from '../terminal/stage-progress.ts';
import { counted, inTime } from './wording.ts';

/** What is to be said of a map with hundreds of items. */
export interface MapSummary {
  readonly items: number;
  /** Items in which a stage failed. */
  readonly failed: number;
  /** Items that were over before the run was continued. */
  readonly before: number;
  /** The stages of an item, in the order of the plan. */
  readonly stages: readonly MappedStage[];
  readonly slowest: readonly SlowItem[];
}

/** One stage of all items together. */
export interface MappedStage {
  readonly stage: string;
  /** `319 completed, 3 failed`. */
  readonly endings: string;
  readonly status: StageReport['status'];
  /** Of this process, as are all times here. */
  readonly totalMs: number;
  readonly longestMs: number;
}

/** An item that took long. */
export interface SlowItem {
  readonly key: string;
  /** From the start of its first stage to the end of its last. */
  readonly durationMs: number;
  /** What of it took longest. */
  readonly mostly: string;
}

const shown = 10;

/** Looks at what the items of a map did. */
export function mapSummary(run: Run<unknown>, map: string): MapSummary {
  const items = new Map<string, StageReport[]>();
  const stages = new Map<string, StageReport[]>();
  for (const report of run.stages.values()) {
    const key = itemOf(report.path, map)?.key;
    if (key === undefined) continue;
    add(items, key, report);
    add(stages, report.stage, report);
  }
  const all = [...items.values()];
  return {
    items: items.size,
    failed: all.filter((reports) => reports.some(({ status }) => status === 'failed')).length,
    before: all.filter((reports) => reports.every(({ startedAt }) => startedAt === undefined)).length,
    stages: [...stages].map(([stage, reports]) => mappedStage(stage, reports)),
    slowest: [...items]
      .flatMap(([key, reports]) => slowItem(key, reports))
      .sort((left, right) => right.durationMs - left.durationMs)
      .slice(0, shown),
  };
}

/** The items in a sentence. */
export function itemsInWords({ items, failed, before }: MapSummary, noun: string): string {
  const parts = [
    ...(failed > 0 ? [`${failed} of them could not be read`] : []),
    ...(before > 0 ? [`${before} were done before this run was continued`] : []),
  ];
  return [counted(items, noun), ...parts].join(', ');
}

function add(lists: Map<string, StageReport[]>, key: string, report: StageReport): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [report]);
  else list.push(report);
}

function mappedStage(stage: string, reports: readonly StageReport[]): MappedStage {
  const counts = new Map<StageReport['status'], number>();
  for (const { status } of reports) counts.set(status, (counts.get(status) ?? 0) + 1);
  const durations = reports.map(({ durationMs = 0 }) => durationMs);
  return {
    stage,
    endings: [...counts].map(([status, count]) => `${count} ${status}`).join(', '),
    status: (['failed', 'cancelled', 'completed'] as const).find((status) => counts.has(status)) ?? 'skipped',
    totalMs: durations.reduce((sum, ms) => sum + ms, 0),
    longestMs: Math.max(0, ...durations),
  };
}

function slowItem(key: string, reports: readonly StageReport[]): SlowItem[] {
  const ran = reports.flatMap(({ stage, startedAfterMs, durationMs = 0 }) =>
    startedAfterMs === undefined ? [] : [{ stage, from: startedAfterMs, durationMs }],
  );
  const [longest] = [...ran].sort((left, right) => right.durationMs - left.durationMs);
  if (longest === undefined) return [];
  const from = Math.min(...ran.map((part) => part.from));
  const to = Math.max(...ran.map((part) => part.from + part.durationMs));
  return [{ key: unescaped(key), durationMs: to - from, mostly: `${longest.stage}, ${inTime(longest.durationMs)}` }];
}

/** A key as the map was given it: what would end it in a path is written by its code. */
function unescaped(key: string): string {
  return key.replace(/%(25|5B|5D)/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}
