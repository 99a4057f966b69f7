import {
  block,
  branch,
  cancel,
  fallback,
  firstOf,
  guard,
  guarded,
  inputs,
  loop,
  map,
  optional,
  pass,
  pipeline,
  type Run,
  type RunEvent,
  race,
  route,
  type Schema,
  type StageContext,
  settled,
  skip,
  stage,
  subpipeline,
  suspend,
  transform,
  work,
} from '@stageflow/core';
import type { Plan } from '@stageflow/core/plan';
import { recordingSink, seededIds, type VirtualClock, virtualClock } from '@stageflow/testing';
import {
  befalls,
  isLastTurn,
  lastsMs,
  numberOf,
  outermostInput,
  outermostList,
  type ScriptedBody,
  type ScriptedNode,
  type ScriptedPipeline,
  type ScriptedPlain,
  type ScriptedRead,
  type ScriptedRegionRun,
  tell,
  timeLimitMs,
  valueFrom,
} from './scripted-regions.ts';

/** One thing that a stage's function did. */
export interface Deed {
  readonly did: 'called' | 'settled';
  readonly path: string;
  readonly attempt: number;
  readonly atMs: number;
}

/** All that was seen of one run. */
export interface ObservedRegions {
  readonly plan: Plan;
  readonly run: Run;
  readonly events: readonly RunEvent[];
  readonly deeds: readonly Deed[];
  /** What happened after the run had resolved. */
  readonly afterwards: { readonly events: number; readonly calls: number };
}

/** Where the functions of one run live, and leave what they did, in order. */
export interface Stagehand {
  readonly clock: VirtualClock;
  readonly deeds: Deed[];
  /** Whether a stage asks for leave before it does anything, the first time it is called. @default none does */
  readonly asksFirst?: (path: string) => boolean;
}

/** Runs a pipeline with regions in virtual time, and goes on watching until no timer is left. */
export async function observeRegions(script: ScriptedRegionRun): Promise<ObservedRegions> {
  const clock = virtualClock();
  const hand: Stagehand = { clock, deeds: [] };
  const caller = new AbortController();
  const sink = recordingSink();
  const made = scriptedRegions('scripted', script, hand);
  const { failureMode, maxConcurrency, deadlineMs, abortAtMs, graceMs } = script;
  if (abortAtMs !== undefined) clock.schedule(() => caller.abort('the caller aborted'), abortAtMs);
  const limits = { failureMode, maxConcurrency, deadlineMs, graceMs };
  const given = { text: outermostInput, list: outermostList };
  const running = made.run(
    given as never,
    { clock, signal: caller.signal, random: () => 0.5, makeId: seededIds('run'), sinks: [sink], ...limits } as never,
  );
  const run = (await clock.settle(running, { patienceMs: 20 })) as Run;
  const events = [...sink.events];
  const deeds = [...hand.deeds];
  await clock.runAll();
  const calls = (all: readonly Deed[]): number => all.filter(({ did }) => did === 'called').length;
  const afterwards = { events: sink.events.length - events.length, calls: calls(hand.deeds) - calls(deeds) };
  return { plan: made.plan, run, events, deeds, afterwards };
}

// What is written is decided at run time, so the compiler cannot follow.
type Written = Map<string, never>;

/** The script as a pipeline whose functions do as it says. */
export function scriptedRegions(name: string, script: ScriptedPipeline, hand: Stagehand) {
  const written: Written = new Map<string, never>();
  for (const node of script.nodes) written.set(node.name, write(node, written, hand));
  return pipeline(name, {
    outputs: Object.fromEntries(script.outputs.map((read, at) => [`output${at}`, source(read, written)])),
    also: Object.fromEntries(script.also.map((each) => [each, written.get(each)])) as never,
    failureMode: script.failureMode,
  });
}

function source({ read, from }: ScriptedRead, written: Written): never {
  const [first, ...others] = from.map((name) => written.get(name) as never);
  const coalesced = (): never => firstOf(first as never, ...(others as [never])) as never;
  switch (read) {
    case 'input':
      return inputs<Record<string, unknown>>()[from[0] as string] as never;
    case 'firstOf':
      return coalesced();
    case 'optionalFirstOf':
      return optional(coalesced()) as never;
    case 'optional':
      return optional(first as never) as never;
    case 'settled':
      return settled(first as never) as never;
    default:
      return first as never;
  }
}

function write(node: ScriptedNode, written: Written, hand: Stagehand): never {
  const { name } = node;
  const writeBody = ({ nodes, output }: ScriptedBody, locals: Readonly<Record<string, unknown>>): never => {
    const within: Written = new Map<string, never>(written);
    for (const [local, value] of Object.entries(locals)) within.set(`${name}.${local}`, value as never);
    for (const each of nodes) within.set(each.name, write(each, within, hand));
    return within.get(output) as never;
  };
  const named = (names: readonly string[]): never[] => names.map((each) => written.get(each) as never);
  switch (node.is) {
    case 'stage':
      return writePlain(node, written, hand);
    case 'branch': {
      const [left, right, straight] = named(node.heads) as [never, never, never];
      return branch(name, written.get(node.route) as never, { left, right, straight } as never) as never;
    }
    case 'fallback':
      return fallback(name, ...(named(node.heads) as [never, never])) as never;
    case 'race':
      return race(name, ...(named(node.heads) as [never, never])) as never;
    case 'map': {
      const { onItemError, concurrency } = node;
      const key = node.keyed ? (item: unknown) => `k${tell(item)}` : undefined;
      return map(name, source(node.items, written), (item, index) => writeBody(node.body, { item, index }), {
        key,
        concurrency,
        onItemError,
      }) as never;
    }
    case 'loop': {
      const until = (state: unknown, turn: number): boolean => {
        if (node.untilThrows) throw new Error('the script says so');
        return isLastTurn(state, turn);
      };
      const { maxTurns, onExhausted } = node;
      return loop(name, source(node.initial, written), (state, turn) => writeBody(node.body, { state, turn }), {
        until,
        maxTurns,
        onExhausted,
      }) as never;
    }
    case 'guarded':
      return guarded(name, (feedback) => writeBody(node.body, { feedback }), { attempts: node.attempts }) as never;
    case 'subpipeline': {
      const list = source({ read: 'input', from: ['list'] }, written);
      return subpipeline(
        name,
        scriptedRegions(`${name}-child`, node.child, hand) as never,
        { text: source(node.input, written), list } as never,
      ) as never;
    }
  }
}

function writePlain(node: ScriptedPlain, written: Written, hand: Stagehand): never {
  const { name, kind, needs, after, when, skipsOnFailure, failOpen, limited, retries, mishap } = node;
  const plain = kind === 'guard' ? needs.slice(0, -1) : needs;
  const run = behaviour(node, hand);
  const spec = {
    needs: Object.fromEntries(plain.map((read, at) => [`need${at}`, source(read, written)])),
    after: after.map((each) => written.get(each)),
    when:
      when === 'even'
        ? (values: Readonly<Record<string, unknown>>) => numberOf(name, Object.entries(values)) % 2 === 0
        : when && (written.get(when.route) as unknown as { is: (...arms: readonly string[]) => unknown }).is(...when.arms),
    timeoutMs: limited || mishap?.what === 'time out' ? timeLimitMs : undefined,
    retry: retries ? { attempts: 2, baseMs: 1, jitter: 'none' } : undefined,
    ...(skipsOnFailure ? { onFailure: 'skip' } : {}),
  };
  if (kind === 'guard')
    return guard(name, { ...spec, failOpen, subject: source(needs.at(-1) as ScriptedRead, written), check: run } as never) as never;
  const makers = { transform: stage, work, route } as unknown as Record<string, (name: string, spec: unknown) => never>;
  return makers[kind]?.(name, { ...spec, run }) as never;
}

const anything: Schema<unknown, unknown> = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };

function behaviour(node: ScriptedPlain, { clock, deeds, asksFirst }: Stagehand) {
  return (values: Readonly<Record<string, unknown>>, context: StageContext): unknown => {
    const { path, attempt } = context;
    if (node.kind !== 'guard' && asksFirst?.(path) === true && context.answer(anything) === undefined) return suspend({ path });
    const note = (did: Deed['did']): void => void deeds.push({ did, path, attempt, atMs: clock.monotonic() });
    const number = numberOf(node.name, Object.entries(values));
    const fate = befalls(node.mishap, number, attempt) ? node.mishap?.what : undefined;
    const settle = (): unknown => {
      note('settled');
      return answer(node, fate, number);
    };
    note('called');
    const afterMs = fate === 'time out' ? Number.POSITIVE_INFINITY : lastsMs(node, number);
    if (afterMs === undefined) return settle();
    if (afterMs === 0) return Promise.resolve().then(settle);
    return new Promise((resolve, reject) => {
      let isSettled = false;
      const attend = (act: () => unknown) => (): void => {
        if (isSettled) return;
        isSettled = true;
        try {
          resolve(act());
        } catch (error) {
          reject(error);
        }
      };
      const timer = Number.isFinite(afterMs) ? clock.schedule(attend(settle), afterMs) : undefined;
      if (node.onAbort === 'ignores') return;
      const { signal } = context;
      const react = attend(() => {
        timer?.cancel();
        note('settled');
        throw node.onAbort === 'obeys' ? signal.reason : new Error('the script says so');
      });
      if (signal.aborted) react();
      else signal.addEventListener('abort', react, { once: true });
    });
  };
}

function answer(node: ScriptedPlain, fate: string | undefined, number: number): unknown {
  if (fate === 'throw') throw new Error('the script says so');
  if (fate === 'skip') return skip('the script says so');
  if (fate === 'cancel') return cancel('the script says so');
  if (fate === 'block') return block('the script says so');
  if (node.kind !== 'guard') return valueFrom(node, number);
  return node.brings === 'pass' ? pass() : transform(number);
}
