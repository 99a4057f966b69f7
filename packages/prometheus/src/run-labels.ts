import type { RunEvent } from '@stageflow/core';
import { BoundedLabels, other } from './bounded-labels.ts';

/** The labels of metrics about runs. */
export type RunLabels = { pipeline: string; tenant?: string };
/** The labels of metrics about stages: names, never paths, which hold the keys of items. */
export type StageLabels = { pipeline: string; stage: string };

/** How many names may become labels. */
export interface LabelLimits {
  readonly tenants: readonly string[] | undefined;
  readonly maxPipelines: number;
  readonly maxStages: number;
}

/** Makes labels of events, from what is bounded in number: never an id, a path, a reason or a message. */
export class Labels {
  readonly #tenants: ReadonlySet<string> | undefined;
  readonly #pipelines: BoundedLabels;
  readonly #stages: BoundedLabels;
  readonly #codes: BoundedLabels;
  readonly #breakers: BoundedLabels;

  constructor({ tenants, maxPipelines, maxStages }: LabelLimits) {
    this.#tenants = tenants && new Set(tenants);
    this.#pipelines = new BoundedLabels(maxPipelines);
    this.#stages = new BoundedLabels(maxStages);
    this.#codes = new BoundedLabels(maxStages);
    this.#breakers = new BoundedLabels(maxStages);
  }

  ofRun({ pipeline, tenantId }: RunEvent): RunLabels {
    const labels: RunLabels = { pipeline: this.#pipelines.of(pipeline) };
    if (this.#tenants === undefined) return labels;
    return { ...labels, tenant: tenantId === undefined ? 'none' : this.#tenants.has(tenantId) ? tenantId : other };
  }

  ofStage({ pipeline, stage }: { readonly pipeline: string; readonly stage: string }): StageLabels {
    const known = this.#pipelines.of(pipeline);
    // Of pipelines that found no room, stages of one name are one.
    return { pipeline: known, stage: known === other ? other : this.#stages.of(stage, pipeline) };
  }

  /** @param owner - Whose error it is: codes are bounded for all owners together. */
  ofCode(code: string, owner: RunLabels | StageLabels): string {
    return this.#codes.of(code, `${owner.pipeline}/${'stage' in owner ? owner.stage : ''}`);
  }

  ofBreaker(name: string): string {
    return this.#breakers.of(name);
  }
}
