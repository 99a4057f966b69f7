import {
  type Authentication,
  type AuthenticationOptions,
  authentication,
  authOf,
  bearer,
  type JwtValidatorOptions,
  jwtValidator,
} from '@stageflow/auth';
import { createRuntime, type IdentityOptions, type Interceptor, pipeline, type Run, type RunEvent, stage } from '@stageflow/core';
import { recordingSink, type TestTokens, testTokens, type VirtualClock, virtualClock } from '@stageflow/testing';
import { expect, vi } from 'vitest';

/** Ada of the tenant acme, as her token says it. */
export const ada = { sub: 'ada', org_id: 'acme', roles: ['editor'] } as const;
/** Her runs. */
export const adasRun = { userId: 'ada', tenantId: 'acme' } as const;

/** A pipeline of two stages behind each other that count how often they are called. */
export function guardedPipeline() {
  const called = vi.fn((who: string) => who);
  const who = stage('who', { run: (_, context) => called(authOf(context).userId) });
  const after = stage('after', { needs: { who }, run: ({ who }) => called(who) });
  return { called, chat: pipeline('chat', { outputs: { after } }) };
}

/** An issuer whose clock is that of the runs. */
export async function issuer(): Promise<{ readonly tokens: TestTokens; readonly clock: VirtualClock }> {
  const clock = virtualClock();
  return { clock, tokens: await testTokens({ now: () => clock.now() }) };
}

/** A validator of this issuer. */
export function validatorOf(tokens: TestTokens, options: Partial<JwtValidatorOptions> = {}) {
  const { issuer, audience, algorithm } = tokens;
  return jwtValidator({ jwks: tokens.keySet(), issuer, audience, algorithms: [algorithm], ...options });
}

/** What came of one run that was to be authenticated. */
export interface Attempt {
  readonly run: Run;
  readonly events: readonly RunEvent[];
  /** How often any stage was called. */
  readonly calls: number;
  /** Of the error, where the run failed. */
  readonly error: { readonly code: string; readonly details: unknown; readonly retryable: boolean } | undefined;
}

/** Runs the pipeline with a token within an authentication, and whatever stands inside of that. */
export async function attempt(
  auth: Authentication | AuthenticationOptions['validator'],
  token: string | undefined,
  options: { readonly clock?: VirtualClock; readonly identity?: IdentityOptions; readonly inside?: readonly Interceptor[] } = {},
): Promise<Attempt> {
  const { clock = virtualClock(), identity = adasRun, inside = [] } = options;
  const { called, chat } = guardedPipeline();
  const sink = recordingSink();
  const first = 'identify' in auth ? auth : authentication({ validator: auth });
  const runtime = createRuntime({ pipelines: [chat], sinks: [sink], clock, interceptors: [first, ...inside] });
  const run = await runtime.run(chat, {}, { ...identity, extensions: bearer(token) });
  const error = run.status === 'failed' ? run.error : undefined;
  return { run, events: sink.events, calls: called.mock.calls.length, error };
}

/** Holds where a run was denied: it failed with this error, no stage was called, and nothing of the token is to be seen. */
export function expectDenied({ run, calls, events, error }: Attempt, code: string, details: object = {}, token = ''): void {
  expect(run.status).toBe('failed');
  expect(error).toMatchObject({ code, details });
  expect(calls).toBe(0);
  expect(run.outputs).toEqual({});
  expect(events.filter(({ type }) => type === 'stage.started')).toEqual([]);
  if (token !== '') expect(JSON.stringify([run, events, error])).not.toContain(token);
}

/** The names and payloads of the events that are not core's. */
export function audit(events: readonly RunEvent[]): readonly unknown[] {
  return events.flatMap((event) => (event.type === 'custom' ? [[event.name, event.payload]] : []));
}
