import { authentication, authOf, bearer, jwtValidator, tenantIsolation } from '@stageflow/auth';
import { createRuntime, memoryRunStore, pipeline, type Schema, stage, suspend } from '@stageflow/core';
import { testTokens, virtualClock } from '@stageflow/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';

const numRuns = Number(process.env['STAGEFLOW_GRAPHS'] ?? 300);
const seed = Number(process.env['STAGEFLOW_SEED'] ?? 2_025);

const anything: Schema<unknown, unknown> = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };

const tenants = fc.constantFrom('acme', 'umbrella', ' acme', 'ACME', '', undefined);
const users = fc.constantFrom('ada', 'eve', '', undefined);
const times = fc.integer({ min: -20_000, max: 120_000 });

/** A token, of whom it says it is, and what is wrong with it beside that. */
const tokens = fc.record({
  sub: users,
  org_id: tenants,
  expiresInMs: times,
  defect: fc.constantFrom('none', 'none', 'none', 'absent', 'stranger', 'audience', 'issuer', 'signature', 'kid', 'alg', 'text'),
});
type Token = typeof tokens extends fc.Arbitrary<infer T> ? T : never;

/** Begin a run, or go on with it, so many milliseconds later. */
const steps = fc.record({ token: tokens, tenantId: tenants, userId: users, afterMs: fc.nat(60_000) });
type Step = typeof steps extends fc.Arbitrary<infer T> ? T : never;

test('no stage is called without a valid token of the user and the tenant of the run, at the start and at each resume', {
  timeout: 60_000,
}, async () => {
  const seen = { allowed: 0, denied: 0, resumed: 0, refused: 0 };
  const clock = virtualClock();
  const [mine, strangers] = await Promise.all([testTokens({ now: () => clock.now() }), testTokens({ now: () => clock.now() })]);
  const { issuer, audience, algorithm } = mine;
  const toleranceMs = 5_000;
  const validator = jwtValidator({ jwks: mine.keySet(), issuer, audience, algorithms: [algorithm], clockToleranceMs: toleranceMs });

  const issue = async ({ sub, org_id, expiresInMs, defect }: Token): Promise<string | undefined> => {
    if (defect === 'absent') return undefined;
    if (defect === 'text') return 'Bearer of bad news';
    const claims = {
      sub,
      org_id,
      ...(defect === 'audience' && { aud: 'mail' }),
      ...(defect === 'issuer' && { iss: 'https://evil.test/' }),
    };
    const header = { ...(defect === 'kid' && { kid: 'other' }), ...(defect === 'alg' && { alg: 'none' }) };
    const token = await (defect === 'stranger' ? strangers : mine).issue(claims, { expiresInMs, header });
    return defect === 'signature' ? `${token.slice(0, -10)}AAAAAAAAAA` : token;
  };
  /** Said anew, in other words than the code: whether this token lets this user of this tenant through. */
  const isGood = ({ sub, org_id, defect, expiresInMs }: Token, tenantId: string | undefined, userId: string | undefined, ageMs: number) =>
    defect === 'none' &&
    (sub === 'ada' || sub === 'eve') &&
    sub === userId &&
    Math.floor((clock.now() + 0) / 1000) < Math.floor((clock.now() - ageMs + expiresInMs) / 1000) + toleranceMs / 1000 &&
    (org_id === undefined ? tenantId === undefined : org_id.trim() !== '' && org_id.trim() === tenantId);

  const check = async (first: Step, again: readonly Step[]): Promise<void> => {
    let called = 0;
    let said: string | undefined;
    const asked = stage('asked', {
      run: (_, context) => {
        called++;
        said = `${authOf(context).userId} of ${authOf(context).org?.tenantId}`;
        return context.answer(anything) ?? suspend('go on?');
      },
    });
    const p = pipeline('p', { outputs: { asked } });
    const store = memoryRunStore();
    const runtime = createRuntime({
      pipelines: [p],
      store,
      clock,
      interceptors: [authentication({ validator }), tenantIsolation({ mode: 'observe' })],
    });
    const { tenantId, userId } = first;

    const token = await issue(first.token);
    await clock.advance(first.afterMs);
    const good = isGood(first.token, tenantId, userId, first.afterMs);
    const run = await runtime.run(p, {}, { runId: 'r', tenantId, userId, extensions: bearer(token) });
    expect([run.status, called]).toEqual(good ? ['suspended', 1] : ['failed', 0]);
    seen[good ? 'allowed' : 'denied']++;
    if (!good) return;
    expect(said).toBe(`${userId} of ${tenantId}`);
    if (run.status === 'suspended') await runtime.decide(run.waits[0]?.waitId as string, 'yes', { tenantId });

    for (const step of again) {
      const before = called;
      const fresh = await issue(step.token);
      await clock.advance(step.afterMs);
      // Who names another tenant does not find the run.
      const mayGoOn = step.tenantId === tenantId && isGood(step.token, tenantId, userId, step.afterMs);
      const resumed = await runtime.resume('r', { tenantId: step.tenantId, extensions: bearer(fresh) }).catch((error) => error);
      expect([resumed.status ?? resumed.code, called - before]).toEqual(
        mayGoOn ? ['completed', 1] : [expect.stringMatching(/^SF_(AUTH_|RUN_UNKNOWN)/), 0],
      );
      seen[mayGoOn ? 'resumed' : 'refused']++;
      if (mayGoOn) return;
      expect((await store.load('r', tenantId))?.status).toBe('suspended');
    }
  };

  // Half of the cases are one change away from good ones, or the interesting ones would be rare.
  const goodToken: Token = { sub: 'ada', org_id: 'acme', expiresInMs: 90_000, defect: 'none' };
  const goodStep: Step = { token: goodToken, tenantId: 'acme', userId: 'ada', afterMs: 0 };
  const nearly = fc.oneof(
    fc.constant(goodStep),
    steps,
    fc.record({ afterMs: fc.nat(100_000) }).map((change) => ({ ...goodStep, ...change })),
    fc.record({ tenantId: tenants }).map((change) => ({ ...goodStep, ...change })),
    tokens.map(({ defect }) => ({ ...goodStep, token: { ...goodToken, defect } })),
    users.map((sub) => ({ ...goodStep, token: { ...goodToken, sub } })),
    tenants.map((org_id) => ({ ...goodStep, token: { ...goodToken, org_id } })),
  );
  await fc.assert(fc.asyncProperty(nearly, fc.array(nearly, { maxLength: 4 }), check), { numRuns, seed });
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(numRuns / 30);
});
