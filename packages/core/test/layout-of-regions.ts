import { readsOf } from './random-regions.ts';
import type { ScriptedNode, ScriptedPipeline, ScriptedRead } from './scripted-regions.ts';

/** How something comes to be wanted. */
export type Way =
  | { readonly by: 'the pipeline' }
  /** Who reads it wants it. */
  | { readonly by: 'reader'; readonly name: string }
  /** A region that may ask for it: as its head number `head`, or for what it holds. */
  | { readonly by: 'region'; readonly name: string; readonly head: number | undefined };

/** Where the stages of one pipeline stand, by the rules of the design: in the innermost region whose locals they read. */
export class Layout {
  readonly script: ScriptedPipeline;
  /** What is reached, in an order in which what is read comes first. */
  readonly names: readonly string[];
  readonly #nodes = new Map<string, ScriptedNode>();
  /** The regions that a node is written in, the innermost first. */
  readonly #around = new Map<string, readonly string[]>();
  readonly #free = new Map<string, ReadonlySet<string>>();
  readonly #ways = new Map<string, Way[]>();
  readonly #escapes = new Set<string>();

  constructor(script: ScriptedPipeline) {
    this.script = script;
    this.#index(script.nodes, []);
    const reached = new Set<string>();
    for (const name of [...script.outputs.flatMap(({ from }) => from), ...script.also]) this.#reach(name, reached);
    this.names = [...reached];
    for (const name of reached) this.#findWays(name);
    for (const name of [...reached].reverse()) this.#findEscapes(name);
  }

  node(name: string): ScriptedNode {
    return this.#nodes.get(name) as ScriptedNode;
  }

  /** The region that a stage stands in; `undefined` for the pipeline itself. */
  home(name: string): string | undefined {
    return this.#around.get(name)?.find((region) => this.#freeOf(name).has(region));
  }

  /** The stages that stand in a region. */
  within(region: string | undefined): readonly string[] {
    return this.names.filter((name) => this.home(name) === region);
  }

  /** All ways in which a stage may come to be wanted. */
  ways(name: string): readonly Way[] {
    return this.#ways.get(name) ?? [];
  }

  /** Whether a failure of it would reach what is wanted of the scope it stands in. */
  escapes(name: string): boolean {
    const node = this.node(name);
    return this.#escapes.has(name) && !(node.is === 'stage' && node.skipsOnFailure);
  }

  #index(nodes: readonly ScriptedNode[], around: readonly string[]): void {
    for (const node of nodes) {
      this.#nodes.set(node.name, node);
      this.#around.set(node.name, around);
      if ('body' in node) this.#index(node.body.nodes, [node.name, ...around]);
    }
  }

  #freeOf(name: string): ReadonlySet<string> {
    const known = this.#free.get(name);
    if (known !== undefined) return known;
    const node = this.node(name);
    const free = new Set(
      edgesOf(node).flatMap(({ read, from }) => (read === 'local' ? [(from[0] as string).split('.')[0] as string] : [])),
    );
    for (const read of readsOf(node)) for (const region of this.#freeOf(read)) free.add(region);
    if ('body' in node) for (const region of this.#freeOf(node.body.output)) if (region !== name) free.add(region);
    this.#free.set(name, free);
    return free;
  }

  #reach(name: string, reached: Set<string>): void {
    if (!this.#nodes.has(name) || reached.has(name)) return;
    const node = this.node(name);
    for (const read of readsOf(node)) this.#reach(read, reached);
    if ('body' in node) this.#reach(node.body.output, reached);
    reached.add(name);
  }

  #findWays(name: string): void {
    const add = (to: string, way: Way): void => void this.#ways.set(to, [...this.ways(to), way]);
    const node = this.node(name);
    if ([...this.script.outputs.flatMap(({ from }) => from), ...this.script.also].includes(name)) add(name, { by: 'the pipeline' });
    if ('body' in node) add(node.body.output, { by: 'the pipeline' });
    for (const read of new Set(readsOf(node))) {
      const home = this.home(read);
      let reader = name;
      for (let at = this.home(name); at !== home; at = this.home(reader)) reader = at as string;
      if (reader !== name) add(read, { by: 'region', name: reader, head: undefined });
      else if (!('heads' in node)) add(read, { by: 'reader', name });
      else {
        if ('route' in node && node.route === read) add(read, { by: 'reader', name });
        for (const [head, each] of node.heads.entries()) {
          if (each !== read) continue;
          add(read, node.is === 'fallback' && head === 0 ? { by: 'reader', name } : { by: 'region', name, head });
        }
      }
    }
  }

  /** Readers come after what they read, and what holds a reader after the reader: so this is asked from the end. */
  #findEscapes(name: string): void {
    const { outputs, also } = this.script;
    const isWanted = outputs.some(({ read, from }) => read !== 'settled' && from.includes(name)) || also.includes(name);
    const home = this.home(name);
    const isOutput = home !== undefined && (this.node(home) as { readonly body?: { readonly output: string } }).body?.output === name;
    const escapes = (from: string): boolean => this.names.some((reader) => this.#lets(from, reader));
    if (isWanted || isOutput || escapes(name)) this.#escapes.add(name);
  }

  /** Whether a failure of `name` goes through `reader` and on. */
  #lets(name: string, reader: string): boolean {
    const node = this.node(reader);
    const isHit = failingReadsOf(node).includes(name) && this.#escapes.has(reader);
    if (!isHit) return false;
    // Each region on the way out must itself be one from which failures escape.
    for (let at = this.home(reader); at !== this.home(name); at = this.home(at as string))
      if (!this.#escapes.has(at as string)) return false;
    return true;
  }
}

/** The edges of a node that may read locals. */
export function edgesOf(node: ScriptedNode): readonly ScriptedRead[] {
  if (node.is === 'stage') return node.needs;
  if (node.is === 'map') return [node.items];
  if (node.is === 'loop') return [node.initial];
  return node.is === 'subpipeline' ? [node.input] : [];
}

/** The stages whose failure a node does not take into account. */
function failingReadsOf(node: ScriptedNode): readonly string[] {
  const plain = edgesOf(node).flatMap(({ read, from }) => (read === 'settled' || read === 'local' || read === 'input' ? [] : from));
  if (node.is === 'stage') return [...plain, ...node.after, ...(typeof node.when === 'object' ? [node.when.route] : [])];
  return node.is === 'branch' ? [node.route, ...node.heads] : plain;
}
