import type { FailureMode, ItemErrorPolicy } from '@stageflow/core';
import { digest } from './scripted-graph.ts';

/** How something reads: stages by name, locals as `region.local`, inputs by name. */
export interface ScriptedRead {
  readonly read: 'value' | 'optional' | 'settled' | 'firstOf' | 'optionalFirstOf' | 'local' | 'input';
  readonly from: readonly string[];
}

/** What goes wrong with a call: each time, where the values it was given say so, or at the first attempt only. */
export interface Mishap {
  readonly what: 'throw' | 'skip' | 'cancel' | 'block' | 'time out';
  readonly how: 'always' | 'sometimes' | 'once';
}

/** A stage that is not made of others, and all that its function will do. */
export interface ScriptedPlain {
  readonly is: 'stage';
  readonly name: string;
  readonly kind: 'transform' | 'work' | 'route' | 'guard';
  /** Of a guard, the last is its subject. */
  readonly needs: readonly ScriptedRead[];
  readonly after: readonly string[];
  readonly when: { readonly route: string; readonly arms: readonly string[] } | 'even' | undefined;
  /** `list`: of what a map takes; `twins`: one with an item twice; `elsewhere`: an arm that there is not. */
  readonly brings: 'value' | 'list' | 'twins' | 'elsewhere' | 'pass' | 'transform';
  readonly mishap: Mishap | undefined;
  /** Milliseconds at most until it settles, less for some values; `Infinity` for never, `undefined` for no promise. */
  readonly afterMs: number | undefined;
  readonly onAbort: 'obeys' | 'throws' | 'ignores';
  readonly skipsOnFailure: boolean;
  readonly failOpen: boolean;
  /** Whether it has a limit that only a call meets that never settles. */
  readonly limited: boolean;
  readonly retries: boolean;
}

/** What a region repeats. */
export interface ScriptedBody {
  readonly nodes: readonly ScriptedNode[];
  readonly output: string;
}

/** A region, and what it holds. Bodies may read what was written before them, around them. */
export type ScriptedRegion =
  | { readonly is: 'branch'; readonly name: string; readonly route: string; readonly heads: readonly string[] }
  | { readonly is: 'fallback'; readonly name: string; readonly heads: readonly string[] }
  | { readonly is: 'race'; readonly name: string; readonly heads: readonly string[] }
  | {
      readonly is: 'map';
      readonly name: string;
      readonly items: ScriptedRead;
      readonly body: ScriptedBody;
      readonly onItemError: ItemErrorPolicy | undefined;
      readonly concurrency: number | undefined;
      readonly keyed: boolean;
    }
  | {
      readonly is: 'loop';
      readonly name: string;
      readonly initial: ScriptedRead;
      readonly body: ScriptedBody;
      readonly maxTurns: number;
      readonly onExhausted: 'fail' | 'keep';
      readonly untilThrows: boolean;
    }
  | { readonly is: 'guarded'; readonly name: string; readonly body: ScriptedBody; readonly attempts: number }
  | { readonly is: 'subpipeline'; readonly name: string; readonly input: ScriptedRead; readonly child: ScriptedPipeline };

/** Anything that is written with a name. */
export type ScriptedNode = ScriptedPlain | ScriptedRegion;

/** A pipeline of such; what nothing reaches is written and is not in it. */
export interface ScriptedPipeline {
  readonly nodes: readonly ScriptedNode[];
  readonly outputs: readonly ScriptedRead[];
  readonly also: readonly string[];
  /** Of a nested one, its own. */
  readonly failureMode: FailureMode | undefined;
}

/** A pipeline with the run it is made for. */
export interface ScriptedRegionRun extends ScriptedPipeline {
  readonly failureMode: FailureMode;
  readonly maxConcurrency: number | undefined;
  readonly deadlineMs: number | undefined;
  readonly abortAtMs: number | undefined;
  readonly graceMs: number;
}

/** The keys of every branch. */
export const ways = ['left', 'right', 'straight'] as const;

/** The input of the outermost pipeline; that of a nested one has the same name. */
export const outermostInput = 40;

/** The list that every pipeline is given. */
export const outermostList: readonly number[] = [3, 1, 2];

/** The limit of a call that has one: longer than any that settles. */
export const timeLimitMs = 70;

/** How often a loop asks at most, and what it asks. */
export function isLastTurn(state: unknown, turn: number): boolean {
  return digest(`turn ${turn}`, [['state', tell(state)]]) % 3 === 0;
}

/** The number that stands for a stage with these values. */
export function numberOf(name: string, values: readonly (readonly [string, unknown])[]): number {
  return digest(
    name,
    values.map(([key, value]) => [key, tell(value)]),
  );
}

/** Whether a mishap befalls a call. */
export function befalls(mishap: Mishap | undefined, number: number, attempt: number): boolean {
  if (mishap === undefined) return false;
  if (mishap.how === 'once') return attempt === 1;
  return mishap.how === 'always' || (number >>> 5) % 2 === 0;
}

/** How long a call takes, from none to all of what is written. */
export function lastsMs({ afterMs }: ScriptedPlain, number: number): number | undefined {
  return afterMs === undefined || !Number.isFinite(afterMs) ? afterMs : (afterMs * ((number >>> 9) % 8)) / 8;
}

/** The value that a call comes to when nothing goes wrong; of a guard, what it makes of its subject. */
export function valueFrom({ kind, brings }: ScriptedPlain, number: number): unknown {
  if (kind === 'route') return brings === 'elsewhere' ? 'elsewhere' : ways[number % ways.length];
  if (brings === 'twins') return [number % 5, (number % 5) + 1, number % 5];
  if (brings === 'list') return Array.from({ length: (number >>> 3) % 4 }, (_, at) => (number % 5) + at);
  return number;
}

/** Whatever a reader may receive, in words: equal where the model and the run agree. */
export function tell(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(tell).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const { key, status, ...rest } = value as Readonly<Record<string, unknown>>;
  if (status !== undefined) return (key === undefined ? '' : `${key}: `) + tellOutcome(String(status), rest);
  if ('attempt' in rest && 'reason' in rest) return `draft ${rest['attempt']} was ${tell(rest['value'])}`;
  return `{${Object.entries(value).map(([name, each]) => `${name}: ${tell(each)}`)}}`;
}

function tellOutcome(status: string, rest: Readonly<Record<string, unknown>>): string {
  const error = rest['error'] as { readonly code: string; readonly path: string } | undefined;
  const rootCause = rest['rootCause'] as { readonly stage: string; readonly status: string } | undefined;
  if (status === 'completed') return `completed ${tell(rest['output'])}`;
  if (status === 'failed') return `failed ${error?.code} at ${error?.path}`;
  if (status === 'blocked' && rest['blockedBy'] !== undefined) return `blocked by ${rest['blockedBy']}`;
  return rootCause === undefined ? status : `skipped behind ${rootCause.status} ${rootCause.stage}`;
}

/** The node that a path leads to. */
export function nodeAt(script: ScriptedPipeline, path: string): ScriptedNode | undefined {
  let { nodes } = script;
  let node: ScriptedNode | undefined;
  const all = (some: readonly ScriptedNode[]): ScriptedNode[] =>
    some.flatMap((each) => [each, ...('body' in each ? all(each.body.nodes) : [])]);
  for (const name of path.replace(/\[[^\]]*\]/g, '').split('/')) {
    node = all(nodes).find((each) => each.name === name);
    if (node?.is === 'subpipeline') nodes = node.child.nodes;
  }
  return node;
}
