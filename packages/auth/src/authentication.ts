import { type InterceptedRun, type Interceptor, type Run, type RunIdentity, type Schema, StageflowError } from '@stageflow/core';
import { type AuthContext, authContext } from './auth-context.ts';
import { bearer, credentialKey, type Held, heldIn } from './credential.ts';
import { identityMismatch, tenantMismatch, tenantMissing, tokenInvalid, tokenMissing } from './errors.ts';
import { authFailure, authLogin } from './events.ts';
import { wrongOption } from './key-set.ts';
import { bind, type IdentifiedOptions, optionsFor } from './principal.ts';
import { normalTenantId } from './tenant-id.ts';
import { tokenFailure } from './token-failure.ts';
import type { TokenValidator } from './token-validator.ts';

/** Somebody who wants to go on with a run of somebody else of the same tenant. */
export interface ResumeRequest {
  /** Who asks. */
  readonly auth: AuthContext;
  /** Whose run it is. */
  readonly identity: RunIdentity;
}

/** What {@link authentication} takes. */
export interface AuthenticationOptions {
  /** Says who a token is of. */
  readonly validator: TokenValidator;
  /**
   * Whether somebody else of the same tenant may go on with a run; only `true` allows it. From then on, it is they whom
   * {@link authOf} names. @default nobody else
   */
  readonly mayResume?: ((request: ResumeRequest) => boolean | Promise<boolean>) | undefined;
}

/** Made by {@link authentication}. */
export interface Authentication extends Interceptor {
  /**
   * Authenticates somebody before there is a run, and gives the options of runs on their behalf. Nothing is done for who is
   * refused, so no place in a queue is taken and nothing is stored.
   *
   * @param authorization - The header `Authorization`, or the token alone.
   * @param at.now - Epoch milliseconds. @default the clock of the host
   * @throws SF_AUTH_TOKEN_MISSING, SF_AUTH_TOKEN_INVALID, SF_AUTH_UNAVAILABLE, as rejections.
   * @example
   * ```ts
   * const run = await runtime.run(chat, { text }, await auth.identify(request.headers.get('authorization')));
   * ```
   */
  identify(
    authorization: string | null | undefined,
    at?: { readonly now?: number | undefined; readonly signal?: AbortSignal | undefined },
  ): Promise<IdentifiedOptions>;
}

/**
 * An interceptor that authenticates each run once, before anything of it runs, and each resume again. A run whose token is
 * missing, refused or of somebody else fails, and a resume is refused; no stage is called. It belongs to the runtime, first in
 * the list: around a single run it would not be there when that is resumed.
 *
 * The identity of the run has to be that of the token: the same `userId`, and the same `tenantId` in normal form, or none in
 * both.
 *
 * @throws SF_OPTION_INVALID where there is no validator.
 * @example
 * ```ts
 * const auth = authentication({ validator });
 * const runtime = createRuntime({ pipelines: [chat], interceptors: [auth] });
 * ```
 */
export function authentication(options: AuthenticationOptions): Authentication {
  return new TokenAuthentication(options);
}

const anything: Schema<unknown, unknown> = { '~standard': { version: 1, vendor: 'stageflow', validate: (value) => ({ value }) } };

interface At {
  readonly now: number;
  readonly signal: AbortSignal | undefined;
}

class TokenAuthentication implements Authentication {
  readonly name = 'authentication';
  readonly #validator: TokenValidator;
  readonly #mayResume: AuthenticationOptions['mayResume'];

  constructor(options: AuthenticationOptions) {
    const validator: TokenValidator | undefined = options?.validator;
    if (typeof validator?.validate !== 'function') throw wrongOption('validator', 'a TokenValidator', typeof validator);
    this.#validator = validator;
    this.#mayResume = options.mayResume;
  }

  async identify(authorization: string | null | undefined, { now = Date.now(), signal }: Partial<At> = {}): Promise<IdentifiedOptions> {
    const credential = bearer(authorization)[credentialKey];
    return optionsFor(await this.#who(heldIn(credential), { now, signal }, 'The caller'), this.#validator);
  }

  async run(run: InterceptedRun, next: () => Promise<Run>): Promise<Run> {
    let auth: AuthContext;
    try {
      auth = await this.#admitted(run);
    } catch (thrown) {
      const error = placed(thrown, run);
      run.emit(authFailure, { code: error.code, reason: reasonOf(error) });
      throw error;
    }
    bind(run.identity, auth, this.#validator);
    const { userId, sessionId, issuer, org } = auth;
    run.emit(authLogin, { userId, sessionId, issuer, tenantId: org?.tenantId });
    return next();
  }

  async #admitted(run: InterceptedRun): Promise<AuthContext> {
    const held = heldIn(run.extension(credentialKey, anything));
    const auth = await this.#who(held, { now: run.now(), signal: run.signal }, run.epoch === 1 ? 'The run' : 'The resume');
    requireTenant(run.identity, auth);
    if (run.identity.userId !== auth.userId && !(await this.#isLetResume(run, auth))) {
      throw new StageflowError(identityMismatch, { expected: run.identity.userId, actual: auth.userId });
    }
    return auth;
  }

  async #isLetResume({ epoch, identity }: InterceptedRun, auth: AuthContext): Promise<boolean> {
    if (epoch === 1 || this.#mayResume === undefined) return false;
    try {
      return (await this.#mayResume({ auth, identity })) === true;
    } catch {
      return false;
    }
  }

  async #who(held: Held | undefined, at: At, subject: string): Promise<AuthContext> {
    if (held === undefined) throw new StageflowError(tokenMissing, { subject });
    if ('auth' in held) return this.#stillValid(held, at);
    try {
      return authContext(await this.#validator.validate(held.token, at));
    } catch (thrown) {
      throw tokenFailure(thrown, held.token);
    }
  }

  #stillValid({ auth, by }: Extract<Held, { readonly auth: AuthContext }>, { now }: At): AuthContext {
    if (by !== this.#validator) throw new StageflowError(tokenInvalid, { reason: 'issuer', why: 'another validator has accepted it' });
    if (now >= auth.expiresAt + (by.clockToleranceMs ?? 0)) {
      throw new StageflowError(tokenInvalid, { reason: 'expired', why: 'its time is over' });
    }
    return auth;
  }
}

/** The tenant of a run is a key in stores, limits and caches as it is written, so it has to be written in one way. */
function requireTenant({ tenantId }: RunIdentity, { org }: AuthContext): void {
  if (tenantId === undefined && org === undefined) return;
  if (tenantId === undefined || normalTenantId(tenantId) === undefined) throw new StageflowError(tenantMissing, { subject: 'The run' });
  if (org === undefined) throw new StageflowError(tenantMismatch, { subject: 'The run', expected: undefined, actual: tenantId });
  if (tenantId !== org.tenantId) throw new StageflowError(tenantMismatch, { subject: 'The run', expected: org.tenantId, actual: tenantId });
}

/** The same error, saying which run it is about, and without a cause. */
function placed(thrown: unknown, { pipeline, runId }: InterceptedRun): StageflowError {
  const { code, message, hint, docs, retryable, details } = thrown as StageflowError;
  return new StageflowError({ code, message: () => message, hint: () => hint, docs, retryable }, details, { pipeline, runId });
}

function reasonOf({ code, details }: StageflowError): string {
  const reason: unknown = Object(details)['reason'];
  return typeof reason === 'string' ? reason : code;
}
