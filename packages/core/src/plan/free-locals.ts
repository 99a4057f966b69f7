import type { LocalOwner } from '../region.ts';
import type { StageSource } from '../stage.ts';
import { sourcesOf } from './sources-of.ts';

const none: ReadonlySet<LocalOwner> = new Set();

/**
 * Which regions a stage stands in: those whose locals it reads, itself or through others. What stands in a region runs
 * once for each of its repetitions; everything else is hoisted and runs once. Without recursion but by a stack of its own.
 */
export class FreeLocals {
  readonly #known = new Map<StageSource, ReadonlySet<LocalOwner>>();
  readonly #stagesBehind: (source: unknown) => readonly StageSource[];

  constructor(stagesBehind: (source: unknown) => readonly StageSource[]) {
    this.#stagesBehind = stagesBehind;
  }

  of(root: StageSource): ReadonlySet<LocalOwner> {
    const stack = [root];
    const open = new Set<StageSource>();
    for (let stage = stack.at(-1); stage !== undefined; stage = stack.at(-1)) {
      if (this.#known.has(stage)) {
        stack.pop();
        continue;
      }
      const missing = open.has(stage) ? [] : this.#behind(stage).filter((read) => !this.#known.has(read) && !open.has(read));
      open.add(stage);
      if (missing.length > 0) stack.push(...missing);
      else {
        this.#known.set(stage, this.#combine(stage));
        stack.pop();
      }
    }
    return this.#known.get(root) as ReadonlySet<LocalOwner>;
  }

  #behind({ spec }: StageSource): StageSource[] {
    const body = spec.region?.body;
    const sources = body === undefined ? sourcesOf(spec) : [...sourcesOf(spec), body.output];
    return sources.flatMap((source) => this.#stagesBehind(source));
  }

  #combine({ spec }: StageSource): ReadonlySet<LocalOwner> {
    let combined = none;
    const add = (owners: ReadonlySet<LocalOwner>): void => {
      if (owners.size === 0 || owners === combined) return;
      combined = combined.size === 0 ? owners : new Set([...combined, ...owners]);
    };
    for (const source of sourcesOf(spec)) add(this.#ofSource(source));
    const body = spec.region?.body;
    if (body !== undefined) add(new Set([...this.#ofSource(body.output)].filter((owner) => owner !== body.owner)));
    return combined;
  }

  #ofSource(source: unknown): ReadonlySet<LocalOwner> {
    const local = source as { readonly kind?: unknown; readonly region?: LocalOwner } | null | undefined;
    if (local?.kind === 'local') return new Set([local.region as LocalOwner]);
    let combined = none;
    for (const stage of this.#stagesBehind(source)) {
      const owners = this.#known.get(stage) ?? none;
      if (owners.size > 0 && owners !== combined) combined = combined.size === 0 ? owners : new Set([...combined, ...owners]);
    }
    return combined;
  }
}
