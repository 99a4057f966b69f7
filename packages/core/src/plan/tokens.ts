import type { PlannedOutput, UnmarkedStage } from './plan.ts';

/** The stages that are reached only through one arm, alternative or region: they wait until it is known that they are wanted. */
export interface Token {
  /** The region that grants or denies it. */
  readonly region: number;
  readonly stages: readonly number[];
}

/** What a token may bring about, and how many tokens each stage has; 0 where it is wanted from the start. */
export interface Tokens {
  readonly tokens: readonly Token[];
  readonly counts: readonly number[];
}

type TokenSet = ReadonlySet<number>;

/**
 * Follows from what is wanted to what that needs. A stage reached by a plain way is wanted from the start; one that is
 * reached only through gated ways has the tokens of all of them. Readers stand after what they read, so one pass from
 * the end decides.
 */
export function layTokens(stages: readonly UnmarkedStage[], outputs: readonly PlannedOutput[], also: readonly number[]): Tokens {
  const regions = stages.filter(({ region }) => region !== undefined && region.gates.length > 0);
  if (regions.length === 0) return { tokens: [], counts: [] };
  const stagesOf: number[][] = [];
  const regionOf: number[] = [];
  const wanted = new Array<TokenSet | 'always' | undefined>(stages.length).fill(undefined);
  /** Whether the set of a stage was made for it, and may grow until the stage is reached; sets are handed on to what it needs. */
  const isOwn = new Array<boolean>(stages.length).fill(false);
  const want = (index: number, by: TokenSet | 'always'): void => {
    if (index >= stages.length || wanted[index] === 'always') return;
    const known = wanted[index];
    if (by === 'always' || known === undefined) wanted[index] = by;
    else if (isOwn[index]) for (const token of by) (known as Set<number>).add(token);
    else if (known !== by) {
      wanted[index] = new Set([...(known as TokenSet), ...by]);
      isOwn[index] = true;
    }
  };
  for (const index of also) want(index, 'always');
  for (const { read } of outputs) for (const slot of read.read === 'firstOf' ? read.slots : [read.slot]) want(slot, 'always');
  const losable = new Array<boolean>(stages.length).fill(false);
  for (let index = stages.length - 1; index >= 0; index--) {
    const stage = stages[index] as UnmarkedStage;
    const own = wanted[index] as TokenSet | 'always';
    if (
      own !== 'always' &&
      Array.from(own, (token) => regionOf[token] as number).some((at) => losable[at] || stages[at]?.kind === 'race')
    ) {
      // What loses a race is aborted, with all that only it asked for, so it needs a signal of its own.
      losable[index] = true;
      stage.simple = false;
    }
    for (const need of stage.needs) if (need.stage >= 0) want(need.stage, own);
    for (const read of stage.reads ?? []) if (read.read === 'firstOf') for (const slot of read.slots) want(slot, own);
    for (const head of stage.region?.heads ?? []) if (head.gate === -1) want(head.stage, own);
    for (const gate of stage.region?.gates ?? []) {
      const token = regionOf.length;
      regionOf.push(index);
      stagesOf.push([]);
      gate.token = token;
      for (const behind of gate.stages) want(behind, new Set([token]));
    }
  }
  const counts = wanted.map((tokens, index) => {
    if (typeof tokens !== 'object') return 0;
    for (const token of tokens) (stagesOf[token] as number[]).push(index);
    return tokens.size;
  });
  return { tokens: regionOf.map((region, token) => ({ region, stages: stagesOf[token] as number[] })), counts };
}
