import { type DraftEdge, isValueRead, type PlanDraft } from './draft.ts';
import type { OutputRead, PlannedInput } from './plan.ts';

/** Says in which slot each value of a run lies. */
export class SlotLayout {
  readonly inputs: PlannedInput[] = [];
  readonly services: string[] = [];
  readonly locals: string[] = [];
  /** Slots in all. */
  readonly size: number;
  readonly #indexByName: ReadonlyMap<string, number>;
  readonly #slots = new Map<string, number>();

  /** @param indexByName - Of the stages of this scope, then of those it captures. */
  constructor(draft: PlanDraft, indexByName: ReadonlyMap<string, number>) {
    this.#indexByName = indexByName;
    const edges = [
      ...draft.stages.flatMap(({ needs, region }) => (region === undefined ? needs : [...needs, ...region.captures])),
      ...draft.outputs,
    ];
    let next = indexByName.size;
    const lay = (kind: DraftEdge['read'], keep: (name: string, edge: DraftEdge) => void): void => {
      for (const edge of edges) {
        const name = edge.from[0];
        if (edge.read !== kind || name === undefined || this.#slots.has(`${kind}:${name}`)) continue;
        this.#slots.set(`${kind}:${name}`, next++);
        keep(name, edge);
      }
    };
    lay('input', (name, { schema }) => this.inputs.push({ name, schema }));
    lay('service', (name) => this.services.push(name));
    lay('local', (name) => this.locals.push(name));
    this.size = next;
  }

  stage(name: string): number {
    return known(this.#indexByName.get(name));
  }

  /** The slot of an input, a service or a local; `undefined` where nothing reads it. */
  value(read: 'input' | 'service' | 'local', name: string): number | undefined {
    return this.#slots.get(`${read}:${name}`);
  }

  read(edge: DraftEdge, group: number): OutputRead {
    const [first = ''] = edge.from;
    if (isValueRead(edge.read)) return { read: 'slot', slot: known(this.value(edge.read, first)) };
    if (edge.read === 'firstOf' || edge.read === 'optionalFirstOf') {
      return { read: 'firstOf', slots: edge.from.map((name) => this.stage(name)), group };
    }
    return { read: edge.read === 'settled' ? 'settled' : 'slot', slot: this.stage(first) };
  }
}

function known(slot: number | undefined): number {
  if (slot === undefined) throw new Error('A draft was compiled that had not been validated.');
  return slot;
}
