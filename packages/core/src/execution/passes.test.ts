import { expect, test } from 'vitest';
import { pipeline } from '../pipeline.ts';
import type { PlannedStage } from '../plan/plan.ts';
import { stage } from '../stage.ts';
import { passesJoin } from './passes.ts';
import type { Scope } from './scope.ts';
import { ScopeState } from './scope-state.ts';
import { cancelled, completed, waiting } from './status.ts';

const first = stage('first', { run: () => 1 });
const { plan } = pipeline('p', { outputs: { it: stage('it', { needs: { first }, run: () => 1 }) } });

// No run is known that gets here: what cancels a stage also stops its scope before anything starts.
test('a stage behind a cancel alone neither runs nor ends: the stop of its scope is on its way', () => {
  const state = new ScopeState(plan, '', false);
  const scope = { state } as unknown as Scope;
  state.status[0] = completed;
  expect(passesJoin(scope, plan.stages[1] as PlannedStage)).toBe(true);
  state.status[0] = cancelled;
  expect(passesJoin(scope, plan.stages[1] as PlannedStage)).toBe(false);
  expect(state.status[1]).toBe(waiting);
});
