import { freezeOutput } from '#freeze';
import type { Asked } from '../control.ts';
import { type ErrorLocation, StageflowError } from '../errors.ts';
import { asVerdict, verdictKind } from '../guard.ts';
import type { PlannedStage } from '../plan/plan.ts';
import { describeReceived, issueLines, type SchemaResult, validate } from '../schema.ts';

/** What a returned value means, once the contract, the route's or the guard's rules were applied. */
export type Meaning =
  | { readonly means: 'completed'; readonly value: unknown }
  | { readonly means: 'blocked'; readonly reason: string }
  | { readonly means: 'failed'; readonly error: StageflowError }
  | { readonly means: 'review'; readonly asked: Asked };

/** Reads a value that is no control value. A promise only where the contract answers with one. */
export function interpret(stage: PlannedStage, value: unknown, subject: unknown, location: ErrorLocation): Meaning | Promise<Meaning> {
  if (stage.kind === 'guard') return interpretVerdict(stage, value, subject, location);
  if (stage.kind === 'route' && typeof value !== 'string') {
    return {
      means: 'failed',
      error: new StageflowError('SF_ROUTE_INVALID', { stage: stage.name, received: describeReceived(value) }, location),
    };
  }
  if (stage.output === undefined) return produced(value);
  const result = validate(stage.output, value);
  const settle = (settled: SchemaResult<unknown>): Meaning => {
    if (settled.issues === undefined) return produced(settled.value);
    const details = { stage: stage.name, issues: issueLines(settled.issues), received: describeReceived(value) };
    return { means: 'failed', error: new StageflowError('SF_OUTPUT_INVALID', details, location) };
  };
  return result instanceof Promise ? result.then(settle) : settle(result);
}

/** A value that the stage made. What a guard lets pass is not its own and stays as it is. */
function produced(value: unknown): Meaning {
  freezeOutput(value);
  return { means: 'completed', value };
}

function interpretVerdict(stage: PlannedStage, value: unknown, subject: unknown, location: ErrorLocation): Meaning {
  const verdict = asVerdict(value);
  const kind = verdict && verdictKind(verdict);
  if (verdict === undefined || kind === undefined) {
    const why = `it returned ${describeReceived(value)}`;
    return { means: 'failed', error: new StageflowError('SF_GUARD_FAILED', { stage: stage.name, why }, location) };
  }
  switch (kind) {
    case 'pass':
      return { means: 'completed', value: subject };
    case 'transform':
      return produced((verdict as { readonly value: unknown }).value);
    case 'block':
      return { means: 'blocked', reason: (verdict as { readonly reason: string }).reason };
    case 'review':
      return { means: 'review', asked: verdict as unknown as Asked };
  }
}
