import { type Interceptor, isTerminal, type OutcomeStatus, type RunEvent } from '@stageflow/core';
import type { UnfinishedAudit } from '../journal/audit-journal.ts';
import { counted } from '../report/wording.ts';

/** Where one stage of a run is. */
export interface StageProgress {
  readonly stage: string;
  readonly status: 'waiting' | 'running' | OutcomeStatus;
  readonly fraction: number;
  /** What the stage said last, or why it ended as it did. */
  readonly message: string;
  readonly durationMs: number | undefined;
}

/** A map, shown as one stage with a count of its items. */
export interface CountedMap {
  readonly name: string;
  /** What an item is called. */
  readonly noun: string;
  /** The stage that an item ends with. */
  readonly last: string;
}

type Ended = UnfinishedAudit['ended'];

/** Folds the events of a run into where its stages are. */
export class ProgressBoard {
  /** Tells the board how many items the map has: it is asked again where a run is continued. */
  readonly interceptor: Interceptor;
  readonly #stages: Map<string, StageProgress>;
  readonly #map: CountedMap | undefined;
  readonly #before: Ended;
  readonly #done = new Map<string, 'good' | 'bad'>();
  #total = 0;

  /**
   * @param stages - In the order in which they are shown.
   * @param before - How stages ended before the run was continued; counts once it is.
   */
  constructor(stages: readonly string[], map?: CountedMap, before: Ended = new Map()) {
    this.#stages = new Map(stages.map((stage) => [stage, { stage, status: 'waiting', fraction: 0, message: '', durationMs: undefined }]));
    this.#map = map;
    this.#before = before;
    this.interceptor = {
      name: 'counts items',
      only: { stages: map === undefined ? [] : [map.name] },
      stage: ({ values }, next) => {
        this.#total = (values['items'] as readonly unknown[]).length;
        return next();
      },
    };
  }

  get stages(): readonly StageProgress[] {
    return [...this.#stages.values()];
  }

  /** @returns The stage that the event is about, as it is now; `undefined` where it is about none. */
  take(event: RunEvent): StageProgress | undefined {
    if (event.type === 'run.started' && event.epoch > 1) this.#restore();
    if (!('stage' in event)) return undefined;
    if (event.path !== event.stage) return this.#takeOfItem(event.path, event);
    const before = this.#stages.get(event.stage);
    const change = changeOf(event);
    if (before === undefined || change === undefined) return undefined;
    return this.#set({ ...before, ...change, ...(event.stage === this.#map?.name ? this.#counts : {}) });
  }

  #takeOfItem(path: string, event: RunEvent & { readonly stage: string }): StageProgress | undefined {
    const row = this.#map && this.#stages.get(this.#map.name);
    if (row === undefined || isTerminal(event) || !this.#hasEnded(path, event.type.replace('stage.', ''))) return undefined;
    return this.#set({ ...row, ...this.#counts });
  }

  /** Counts the item that a stage belongs to where that was the end of it; says whether it was. */
  #hasEnded(path: string, status: string): boolean {
    const item = itemOf(path, this.#map?.name);
    if (item === undefined || this.#done.has(item.key)) return false;
    if (status === 'failed' || (item.stage === this.#map?.last && status === 'skipped')) this.#done.set(item.key, 'bad');
    else if (item.stage === this.#map?.last && status === 'completed') this.#done.set(item.key, 'good');
    return this.#done.has(item.key);
  }

  get #counts(): Pick<StageProgress, 'fraction' | 'message'> {
    const bad = [...this.#done.values()].filter((how) => how === 'bad').length;
    const of = `${this.#done.size} of ${counted(this.#total, this.#map?.noun ?? 'item')}`;
    return { fraction: this.#total === 0 ? 0 : this.#done.size / this.#total, message: bad === 0 ? of : `${of}, ${bad} failed` };
  }

  #restore(): void {
    for (const [path, status] of this.#before) {
      this.#hasEnded(path, status);
      const row = this.#stages.get(path);
      if (row !== undefined) this.#set({ ...row, status, fraction: 1, message: 'done before' });
    }
  }

  #set(progress: StageProgress): StageProgress {
    this.#stages.set(progress.stage, progress);
    return progress;
  }
}

/** How many items of a map had ended, of the stages that had. */
export function itemsEnded(ended: Ended, map: CountedMap): number {
  const keys = [...ended].flatMap(([path, status]) => {
    const item = itemOf(path, map.name);
    return item !== undefined && (item.stage === map.last || status === 'failed') ? item.key : [];
  });
  return new Set(keys).size;
}

/** The key and the stage in a path such as `packages[a]/manifest`; keys have no `]` of their own in paths. */
export function itemOf(path: string, map: string | undefined): { readonly key: string; readonly stage: string } | undefined {
  const [, name, key = '', stage = ''] = /^([^[]*)\[([^\]]*)\]\/(.*)$/.exec(path) ?? [];
  return name === undefined || name !== map ? undefined : { key, stage };
}

function changeOf(event: RunEvent): Partial<StageProgress> | undefined {
  switch (event.type) {
    case 'stage.started':
      return { status: 'running' };
    case 'stage.progressed':
      return { ...(event.fraction === undefined ? {} : { fraction: event.fraction }), message: event.message ?? '' };
    case 'attempt.failed':
      return event.retryInMs === undefined ? undefined : { message: `trying again: ${event.error.message}` };
    case 'stage.completed':
      return { status: 'completed', fraction: 1, durationMs: event.durationMs };
    case 'stage.failed':
      return { status: 'failed', message: event.error.message, durationMs: event.durationMs };
    case 'stage.blocked':
      return { status: 'blocked', message: event.reason, durationMs: event.durationMs };
    case 'stage.skipped':
      return { status: 'skipped', message: event.reason };
    case 'stage.cancelled':
      // Otherwise what the stage said last is how far it got.
      return { status: 'cancelled', ...(event.attempt === 0 ? { message: 'not started' } : {}) };
    default:
      return undefined;
  }
}
