// The forms of the proof that take too long for every `npm test`.
import { command, pnpm } from './command.mjs';
import { root } from './workspace.mjs';

/**
 * The property tests (`*.properties.test.ts`) on 100,000 random graphs, or on as many as `STAGEFLOW_GRAPHS` says.
 *
 * @param {readonly string[]} args
 */
export async function runProperties(args) {
  const env = { ...process.env, STAGEFLOW_GRAPHS: process.env['STAGEFLOW_GRAPHS'] ?? '100000' };
  return exitCode(() => command('vitest', ['run', '--project', 'unit', 'properties', '--testTimeout=0', ...args], { env }));
}

/**
 * The crash matrix with 500 kills at random moments on each store, or as many as `STAGEFLOW_CRASHES` says; `STAGEFLOW_SEED`
 * chooses other moments.
 *
 * @param {readonly string[]} args
 */
export async function runCrashes(args) {
  const env = { ...process.env, STAGEFLOW_CRASHES: process.env['STAGEFLOW_CRASHES'] ?? '500' };
  return exitCode(() => command('vitest', ['run', '--project', 'unit', 'internal/crash-matrix', ...args], { env }));
}

/**
 * Installs the peers (under the lockfile of `benchmarks/`) and runs the benchmarks.
 *
 * @param {'bench' | 'bench:stores'} name What nothing keeps, or what keeping runs costs.
 * @param {readonly string[]} args
 */
export async function runBench(name, args) {
  const cwd = `${root}/benchmarks`;
  return exitCode(async () => {
    await pnpm(['install', '--frozen-lockfile'], { cwd });
    await pnpm(['run', name, ...args], { cwd });
  });
}

/** Runs pipelines on a real Restate server, with its own lockfile, and kills workers meanwhile. */
export async function runRestateSpike() {
  const cwd = `${root}/internal/restate-spike`;
  return exitCode(async () => {
    await pnpm(['install', '--frozen-lockfile'], { cwd });
    await command('node', ['--conditions=@stageflow/source', 'spike.mjs'], { cwd });
  });
}

/** @param {() => Promise<unknown>} body */
async function exitCode(body) {
  try {
    await body();
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 1;
  }
}
