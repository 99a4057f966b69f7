const issuer = `
const tokens = await testTokens();
const { issuer, audience, algorithm } = tokens;
const validator = jwtValidator({ jwks: tokens.keySet(), issuer, audience, algorithms: [algorithm] });
const chat = pipeline('chat', { outputs: { ask: stage('ask', { run: () => 'Hello' }) } });
`;

/**
 * A program that authenticates one run.
 *
 * @param {string} names What it imports besides.
 * @param {string} more Interceptors within the authentication.
 * @param {string} run How the run is started.
 */
function program(names, more, run) {
  return `
import { authentication, ${names}jwtValidator } from '@stageflow/auth';
import { createRuntime, pipeline, stage } from '@stageflow/core';
import { testTokens } from '@stageflow/testing';
${issuer}
const auth = authentication({ validator });
const runtime = createRuntime({ pipelines: [chat], interceptors: [auth${more}] });
${run}
if (run.status === 'failed') throw run.error;`;
}

const identified = (/** @type {string} */ claims) => `
const token = await tokens.issue(${claims});
const run = await runtime.run(chat, {}, await auth.identify(token));`;

const ada = "{ sub: 'ada', org_id: 'acme', roles: ['editor'] }";

/** Prose of the codes of @stageflow/auth. @satisfies {Record<string, import('./prose.mjs').Prose>} */
export const authErrors = {
  SF_AUTH_TOKEN_MISSING: {
    meaning: `A run, a resume or \`auth.identify()\` was given no token. No stage was called. A credential of an earlier activation is not kept, and a child run does not inherit that of its parent.`,
    remedy: `Start the run with the options of \`auth.identify(header)\`, or with \`extensions: bearer(header)\`. A stage that starts another run gives it \`onBehalfOf(context)\`. As an HTTP response, this is 401.`,
    details: { subject: 'The run' },
    cause: program('', '', `\nconst run = await runtime.run(chat, {}, { userId: 'ada', tenantId: 'acme' });`),
    mend: program('', '', identified(ada)),
  },
  SF_AUTH_TOKEN_INVALID: {
    meaning: `The token was looked at and refused; \`details.reason\` says why: \`malformed\`, \`too_long\`, \`algorithm\`, \`key\`, \`signature\`, \`unsupported\`, \`type\`, \`issuer\`, \`audience\`, \`expired\`, \`not_yet_valid\` or \`claims\`. No stage was called. The token is not part of the error, and what the library said of it is not its cause.`,
    remedy: `For \`expired\`, get a fresh token. For \`issuer\`, \`audience\`, \`type\` and \`algorithm\`, compare the token with the options of \`jwtValidator\`: most often it is an ID token where an access token is meant. For \`key\`, see whether the issuer still publishes the key: a new one is fetched at most once in \`cooldownMs\`. As an HTTP response, this is 401.`,
    details: { reason: 'expired', why: 'its time is over' },
    cause: program(
      'bearer, ',
      '',
      `
const token = await tokens.issue(${ada}, { expiresInMs: -60_000 });
const run = await runtime.run(chat, {}, { userId: 'ada', tenantId: 'acme', extensions: bearer(token) });`,
    ),
    mend: program(
      'bearer, ',
      '',
      `
const token = await tokens.issue(${ada});
const run = await runtime.run(chat, {}, { userId: 'ada', tenantId: 'acme', extensions: bearer(token) });`,
    ),
  },
  SF_AUTH_UNAVAILABLE: {
    meaning: `Whether the token is valid could not be found out: the key server is down, hangs or answers nonsense, or the validator threw something that is not about the token. What cannot be checked is refused; no stage was called.`,
    remedy: `See whether the key server can be reached from this host, and how long it takes (\`timeoutMs\`). Keys that were fetched go on counting for \`cacheMs\` while the server is away. As an HTTP response, this is 503, and the caller may try again.`,
    details: { why: 'Error: the directory is away' },
    cause: `
import { authentication } from '@stageflow/auth';

const auth = authentication({ validator: { validate: () => Promise.reject(new Error('the directory is away')) } });

await auth.identify('Bearer 5f0c2a9e');`,
    mend: `
import { authContext, authentication } from '@stageflow/auth';

const ada = authContext({ userId: 'ada', expiresAt: Date.now() + 60_000 });
const auth = authentication({ validator: { validate: async () => ada } });

await auth.identify('Bearer 5f0c2a9e');`,
  },
  SF_AUTH_IDENTITY_MISMATCH: {
    meaning: `The run says that it is for one user, and its token is of another; or somebody else than its user wants to resume it. No stage was called, and a run that was to be resumed stays suspended.`,
    remedy: `Let \`auth.identify(header)\` fill in the identity of the run. If colleagues or workers may resume runs of others of their tenant, say so with \`mayResume\`. As an HTTP response, this is 403.`,
    details: { expected: 'eve', actual: 'ada' },
    cause: program(
      '',
      '',
      `
const token = await tokens.issue(${ada});
const run = await runtime.run(chat, {}, { ...(await auth.identify(token)), userId: 'eve' });`,
    ),
    mend: program('', '', identified(ada)),
  },
  SF_AUTH_TENANT_MISSING: {
    meaning: `A tenant is needed, and the run, the call of a store or the scope of a store names none, or something that is no id. Without a tenant nothing is allowed, rather than everything.`,
    remedy: `Give the run a \`tenantId\`: \`auth.identify(header)\` does it from the token. Where the token names neither \`org_id\` nor \`tenant_id\`, look at the issuer, or read other claims with the option \`claims\`.`,
    details: { subject: 'The run' },
    cause: program('tenantIsolation, ', ", tenantIsolation({ mode: 'enforce' })", identified("{ sub: 'ada' }")),
    mend: program('tenantIsolation, ', ", tenantIsolation({ mode: 'enforce' })", identified(ada)),
  },
  SF_AUTH_TENANT_MISMATCH: {
    meaning: `Something of one tenant was about to be touched on behalf of another: a run by a token of another tenant, a value that a stage reads or yields, a child run, a store that belongs to one tenant, or what \`isolation.access()\` was told of. It was not touched.`,
    remedy: `Find out where the id came from; \`details\` says both, and what was touched. A run whose own \`tenantId\` is not in normal form is refused as well, since stores and limits would take it for another tenant: pass it through \`normalTenantId(id)\`. As an HTTP response, this is 403.`,
    details: { subject: 'The run', expected: 'acme', actual: 'umbrella' },
    cause: program(
      '',
      '',
      `
const token = await tokens.issue(${ada});
const run = await runtime.run(chat, {}, { ...(await auth.identify(token)), tenantId: 'umbrella' });`,
    ),
    mend: program('', '', identified(ada)),
  },
  SF_AUTH_ROLE_DENIED: {
    meaning: `\`requireRole\` asks for one of several roles, and the caller has none of them. The run, or the stage that the policy is about, was not called.`,
    remedy: `Give the caller one of the roles at the issuer and let them get a fresh token. Roles are compared letter by letter, with those of the claim \`roles\`; roles within the organisation are asked for with \`requireOrganisation({ roles })\`. As an HTTP response, this is 403.`,
    details: { roles: ['admin'] },
    cause: program('authorization, requireRole, ', ", authorization({ policy: requireRole('admin') })", identified(ada)),
    mend: program('authorization, requireRole, ', ", authorization({ policy: requireRole('admin', 'editor') })", identified(ada)),
  },
  SF_AUTH_ORGANISATION_DENIED: {
    meaning: `\`requireOrganisation\` asks for an organisation of some kind, and the caller acts for none, or for another. The run, or the stage that the policy is about, was not called.`,
    remedy: `\`details.why\` says what is missing. Compare it with the claims \`org_id\`, \`plan\`, \`features\` and \`org_roles\` of the token. As an HTTP response, this is 403.`,
    details: { why: 'one of these plans is needed: pro' },
    cause: program(
      'authorization, requireOrganisation, ',
      ", authorization({ policy: requireOrganisation({ plans: ['pro'] }) })",
      identified(ada),
    ),
    mend: program(
      'authorization, requireOrganisation, ',
      ", authorization({ policy: requireOrganisation({ plans: ['pro'] }) })",
      identified("{ sub: 'ada', org_id: 'acme', plan: 'pro' }"),
    ),
  },
  SF_AUTH_DENIED: {
    meaning: `A policy of the host denies the run or the stage: it returned \`deny(why)\`, it threw, or it returned anything else than \`allow()\`. Nothing that it is about was called.`,
    remedy: `If the policy meant to allow, let it return \`allow()\` on every path; \`true\` and nothing at all deny. If it threw, \`details.why\` says what.`,
    details: { why: 'it has not said that it allows it.' },
    cause: program('authorization, type Policy, ', ', authorization({ policy: (() => true) as unknown as Policy })', identified(ada)),
    mend: program('allow, authorization, ', ', authorization({ policy: () => allow() })', identified(ada)),
  },
  SF_AUTH_REQUIRED: {
    meaning: `\`authOf()\`, \`onBehalfOf()\` or a policy asks who the caller is, and nobody has authenticated this run: \`authentication\` is not among the interceptors of the runtime, stands further in, or the pipeline was run without a runtime.`,
    remedy: `Put \`authentication({ validator })\` first in \`createRuntime({ interceptors })\`. In tests, use it with the tokens of \`testTokens()\`.`,
    details: { subject: 'authOf()' },
    cause: `
import { authOf } from '@stageflow/auth';
import { pipeline, stage } from '@stageflow/core';

const greet = stage('greet', { run: (_, context) => \`Hello \${authOf(context).userId}\` });
const chat = pipeline('chat', { outputs: { greet } });

await chat.runOrThrow({});`,
    mend: `
import { authContext, authentication, authOf } from '@stageflow/auth';
import { createRuntime, pipeline, stage } from '@stageflow/core';

const greet = stage('greet', { run: (_, context) => \`Hello \${authOf(context).userId}\` });
const chat = pipeline('chat', { outputs: { greet } });

const ada = authContext({ userId: 'ada', expiresAt: Date.now() + 60_000 });
const auth = authentication({ validator: { validate: async () => ada } });
const runtime = createRuntime({ pipelines: [chat], interceptors: [auth] });
const run = await runtime.run(chat, {}, await auth.identify('Bearer 5f0c2a9e'));
if (run.status === 'failed') throw run.error;`,
  },
  SF_AUTH_SEAL_BROKEN: {
    meaning: `A run that was loaded from a \`sealed\` store is not as it was created: its identity, its pipeline, its inputs or its seal were changed, it has no seal, it is another run, or none of the keys has sealed it. The run is not resumed.`,
    remedy: `If the keys were changed, keep the old one in \`keys\`, after the new one, until its runs have ended. Runs that were kept before the store was sealed cannot be resumed through it. Otherwise somebody has written to the store: find out who.`,
    details: { runId: 'r', why: 'the seal is of something else' },
    cause: `
import { sealed } from '@stageflow/auth';
import { createRuntime, memoryRunStore, pipeline, stage, suspend } from '@stageflow/core';

const chat = pipeline('chat', { outputs: { ask: stage('ask', { run: () => suspend('Go on?') }) } });
const store = memoryRunStore();
const open = (byte: number) =>
  createRuntime({ pipelines: [chat], store: sealed(store, { keys: [new Uint8Array(32).fill(byte)] }) });
await open(1).run(chat, {}, { runId: 'r' });

await open(2).resume('r');`,
    mend: `
import { sealed } from '@stageflow/auth';
import { createRuntime, memoryRunStore, pipeline, stage, suspend } from '@stageflow/core';

const chat = pipeline('chat', { outputs: { ask: stage('ask', { run: () => suspend('Go on?') }) } });
const store = memoryRunStore();
const open = (...bytes: number[]) =>
  createRuntime({ pipelines: [chat], store: sealed(store, { keys: bytes.map((byte) => new Uint8Array(32).fill(byte)) }) });
await open(1).run(chat, {}, { runId: 'r' });

await open(2, 1).resume('r');`,
  },
};
