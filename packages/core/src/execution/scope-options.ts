import type { FailureMode } from '../plan/draft.ts';
import type { Scope } from './scope.ts';
import type { Stop } from './stop.ts';

/** What a scope is opened with. */
export interface ScopeOptions {
  /** Whether someone outside takes its failures into account. */
  readonly handled: boolean;
  readonly failureMode: FailureMode;
  /** How many calls deep it is. @default 0 */
  readonly depth?: number | undefined;
  /** The stage that called it, under whose slot its stages run. @default none */
  readonly caller?: { readonly scope: Scope; readonly index: number } | undefined;
  /** Told once, when it stops. */
  readonly onStop?: ((stop: Stop) => void) | undefined;
  /** Told once, when every stage of the scope has its outcome. */
  readonly onEnd: ((scope: Scope) => void) | undefined;
}
