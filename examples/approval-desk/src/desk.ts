import { createRuntime, decode, StageflowError } from '@stageflow/core';
import type { StoredRun } from '@stageflow/core/ports';
import { sqliteRunStore } from '@stageflow/sqlite-store';
import { type HttpServer, type Route, serveHttp } from './http-server.ts';
import { Decision, expenses } from './pipeline.ts';

/**
 * Opens the desk: requests over HTTP, runs in a SQLite file. What was answered to a client is in the file, so any number
 * of desks may follow each other on it.
 *
 * @param port - 0 for any that is free.
 */
export async function openDesk(file: string, port: number): Promise<HttpServer> {
  const store = sqliteRunStore({ file });
  const runtime = createRuntime({
    pipelines: [expenses],
    store,
    // A decision only says that a run may go on: this is what goes on with it, also where it was given to a desk before this one.
    recovery: { everyMs: 100, onProblem: console.error },
    leaseMs: 1_000,
  });

  async function find(runId: string): Promise<StoredRun> {
    const run = await store.load(runId, undefined);
    if (run === undefined) throw new StageflowError('SF_RUN_UNKNOWN', { runId });
    return run;
  }

  const routes: readonly Route[] = [
    {
      method: 'POST',
      path: /^\/requests$/,
      async handle({ body }) {
        const { runId, status } = await runtime.run(expenses, { expense: body });
        return { status: 201, body: { runId, status } };
      },
    },
    {
      method: 'GET',
      path: /^\/requests\/([^/]+)$/,
      async handle({ id }) {
        const { runId, status, records } = await find(id);
        const paid = records.find((record) => record.path === 'paid' && record.status === 'completed')?.output;
        const error = records.find((record) => record.status === 'failed')?.error;
        return { status: 200, body: { runId, status, result: paid && decode(paid), error: error?.code } };
      },
    },
    {
      method: 'GET',
      path: /^\/waits$/,
      async handle() {
        const waits = await runtime.waits();
        return { status: 200, body: waits.map(({ runId, request, openedAt }) => ({ runId, request, since: new Date(openedAt) })) };
      },
    },
    {
      method: 'POST',
      path: /^\/requests\/([^/]+)\/decision$/,
      async handle({ id, body }) {
        const { runId, waits } = await find(id);
        const waitId = waits.find(({ path }) => path === 'decided')?.waitId;
        if (waitId === undefined) throw new StageflowError('SF_WAIT_CLOSED', { waitId: runId, why: 'nothing is asked yet' });
        // An answer that the stage refuses would fail the run: it is refused here, where it can be given again.
        const decision = Decision.safeParse(body);
        if (!decision.success) throw answerInvalid(waitId, decision.error.issues);
        await runtime.decide(waitId, decision.data);
        return { status: 202, body: { runId, decision: decision.data } };
      },
    },
  ];

  const server = await serveHttp(routes, port);
  return {
    url: server.url,
    async close() {
      await server.close();
      await runtime.close();
      store.close();
    },
  };
}

function answerInvalid(wait: string, issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[]) {
  const lines = issues.map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`));
  return new StageflowError('SF_ANSWER_INVALID', { stage: 'decided', wait, issues: lines });
}
