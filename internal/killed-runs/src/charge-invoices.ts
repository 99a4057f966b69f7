import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRuntime, inputs, isStageflowError, map, pipeline, type Run, type StageContext, stage, work } from '@stageflow/core';
import type { RunStore } from '@stageflow/core/ports';

/** What such a program is started with. */
export interface ProgramArguments {
  readonly begin: 'begin' | 'resume';
  /** Where the store is: a file, a URL. */
  readonly target: string;
  /** The file that has a line for each call of a stage. */
  readonly log: string;
  readonly runId: string;
  /** The number of the call that does not end; 0 for none. */
  readonly stallAt: number;
}

/** The order in which they stand on the command line. */
export function inOrder({ begin, target, log, runId, stallAt }: ProgramArguments): readonly string[] {
  return [begin, target, log, runId, String(stallAt)];
}

/** Those of this process. */
export function programArguments(): ProgramArguments {
  const [begin = '', target = '', log = '', runId = '', stallAt = ''] = process.argv.slice(2);
  return { begin: begin === 'begin' ? 'begin' : 'resume', target, log, runId, stallAt: Number(stallAt) };
}

/**
 * A run of 41 stages that says whenever one of them is called. It is begun or gone on with in this process, which may be
 * killed at any moment; its result is the last line of the output.
 */
export async function chargeInvoices(store: RunStore, { begin, log, runId, stallAt }: ProgramArguments): Promise<void> {
  const descriptor = openSync(log, 'a');
  const billing = billingTold(descriptor, stallAt);
  const runtime = createRuntime({ pipelines: [billing], store, leaseMs: 300 });
  const run = async (): Promise<Run> => {
    if (begin === 'begin') return runtime.run(billing, { invoices: Array.from({ length: 20 }, (_, at) => at + 1) }, { runId });
    for (;;) {
      try {
        return await runtime.resume(runId);
      } catch (error) {
        if (!isStageflowError(error, 'SF_RUN_NOT_RESUMABLE')) throw error;
        await sleep(20);
      }
    }
  };
  const { status, outputs } = await run();
  process.stdout.write(`${JSON.stringify({ status, outputs })}\n`);
  await runtime.close();
  closeSync(descriptor);
}

function billingTold(descriptor: number, stallAt: number) {
  let calls = 0;
  /** Written and synced before anything else happens, and told to whoever may kill this process, which this call waits for if it is the one. */
  const called = ({ path, idempotencyKey, attempt }: StageContext): Promise<void> => {
    const line = `${JSON.stringify({ pid: process.pid, path, key: idempotencyKey, attempt })}\n`;
    writeSync(descriptor, line);
    fsyncSync(descriptor);
    process.stdout.write(line);
    return ++calls === stallAt ? new Promise(() => {}) : Promise.resolve();
  };
  const { invoices } = inputs<{ invoices: readonly number[] }>();
  const charged = map(
    'charged',
    invoices,
    (invoice) => {
      const amount = stage('amount', {
        needs: { invoice },
        run: async ({ invoice }, context) => {
          await called(context);
          await sleep(10 + (invoice % 3) * 5);
          return invoice * 10;
        },
      });
      return work('charge', {
        needs: { amount },
        run: async ({ amount }, context) => {
          await called(context);
          await sleep(10);
          return amount + 1;
        },
      });
    },
    { key: (invoice) => `inv-${invoice}`, concurrency: 4 },
  );
  const report = work('report', {
    needs: { charged },
    run: async ({ charged }, context) => {
      await called(context);
      await sleep(30);
      return charged.reduce((sum, each) => sum + each, 0);
    },
  });
  return pipeline('billing', { outputs: { report, charged } });
}
