import { openGuarded } from './execution/regions/guarded.ts';
import type { Guard } from './guard.ts';
import { localSource, makeRegion, type Region, type WithoutLocals } from './region.ts';
import type { Local } from './source.ts';

/** What the next draft is told about the one before. */
export interface Feedback<Draft = unknown> {
  /** The draft that was rejected: 1 for the first. */
  readonly attempt: number;
  /** What the guard said. */
  readonly reason: string;
  readonly value: Draft;
}

/** How often {@link guarded} tries. */
export interface GuardedOptions {
  /** Drafts at most, an integer >= 1. @default 2 */
  readonly attempts?: number | undefined;
  /** Gives up when a rejected draft equals the one before this many times in a row, an integer >= 1. @default 2 */
  readonly stagnation?: number | undefined;
  /** No further draft once this many milliseconds have passed since the first was rejected. @default no limit */
  readonly timeoutMs?: number | undefined;
}

/**
 * Lets a guard send a draft back: when it blocks, its reason is the feedback with which the draft is made again. Yields
 * what the guard lets pass.
 *
 * `body` is called once, when the region is defined; it returns the guard. Stages that read the feedback run once an
 * attempt, and so does what depends on them; everything else is hoisted, and runs once.
 *
 * @throws In the run, SF_GUARD_EXHAUSTED, with the last reason and the last draft, when the attempts are spent. A guard
 *   that could not judge (a throw, a timeout) blocks at once: another draft would not help it.
 * @example
 * ```ts
 * const reply = guarded(
 *   'reply',
 *   (feedback) => {
 *     const draft = stage('draft', { needs: { text, feedback }, run: ({ text, feedback }) => write(text, feedback?.reason) });
 *     return guard('tone', { subject: draft, check: ({ subject }) => (isPolite(subject) ? pass() : block('impolite')) });
 *   },
 *   { attempts: 3 },
 * );
 * ```
 */
export function guarded<const Name extends string, G extends Guard>(
  name: Name,
  body: (feedback: Local<Name, Feedback | undefined>) => G,
  options: GuardedOptions = {},
): Region<G['~types']['out'], WithoutLocals<G['~types']['in'], Name>, G['~types']['skips']> {
  const owner = { name };
  const output = body(localSource(owner, 'feedback') as never);
  return makeRegion('guarded', name, {}, { open: openGuarded, options: { ...options }, body: { owner, output } });
}
