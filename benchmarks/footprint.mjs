// What a package costs before the first stage runs: bytes of the bundle, time of the import, bytes on the disk.
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { coreDirectory, coreEntry } from './built-core.mjs';
import { contenders } from './contenders.mjs';
import { percentile } from './statistics.mjs';

const here = import.meta.dirname;

/** What a pipeline needs of each peer. */
const imports = {
  grfn: "import grfn from 'grfn'; globalThis.kept = grfn;",
  'p-graph': "import { PGraph } from 'p-graph'; globalThis.kept = PGraph;",
  async: "import { auto } from 'async'; globalThis.kept = auto;",
  effect:
    "import { Effect, Fiber } from 'effect'; globalThis.kept = [Effect.gen, Effect.forkChild, Effect.promise, Effect.flatMap, Effect.runPromise, Fiber.joinAll];",
  'effect-3':
    "import { Effect, Fiber } from 'effect-3'; globalThis.kept = [Effect.gen, Effect.fork, Effect.promise, Effect.flatMap, Effect.forEach, Effect.runPromise, Fiber.join];",
  '@mastra/core': "import { createWorkflow, createStep } from '@mastra/core/workflows'; globalThis.kept = [createWorkflow, createStep];",
  '@langchain/langgraph':
    "import { StateGraph, Annotation, START, END } from '@langchain/langgraph'; globalThis.kept = [StateGraph, Annotation, START, END];",
};

/**
 * @typedef {object} Footprint
 * @property {string} name
 * @property {string} [version]
 * @property {number} [minified] Bytes.
 * @property {number} [gzipped] Bytes.
 * @property {number} [importMs] Of the first import in a process, above that of an empty module.
 */

/**
 * @param {import('./options.mjs').Options} options
 * @returns {Promise<{ emptyModuleMs: number, packages: Footprint[], unpackedBytes: number | undefined, dependencies: number }>}
 */
export async function measureFootprint(options) {
  const main = coreEntry('.');
  const quickStart = `import { inputs, pipeline, stage } from ${JSON.stringify(main)}; globalThis.kept = [inputs, pipeline, stage];`;
  const wholeEntry = `import * as all from ${JSON.stringify(main)}; globalThis.kept = all;`;
  const empty = write('empty', 'export {};');
  const bundle = write('core', (await minified(`export * from ${JSON.stringify(main)};`)).code);
  /** @type {{ name: string, version?: string, code?: string, specifier?: string }[]} */
  const subjects = [
    { name: '@stageflow/core, quick start', code: quickStart },
    { name: '@stageflow/core, whole main entry', code: wholeEntry, specifier: pathToFileURL(main).href },
    { name: '@stageflow/core, main entry as one minified file', specifier: bundle },
    ...peers(options).map((name) => ({
      name,
      version: versionOf(name),
      code: imports[name],
      specifier: /from '([^']+)'/.exec(imports[name])?.[1],
    })),
  ];
  const rounds = options.isQuick ? 4 : 10;
  const times = importTimes([empty, ...subjects.flatMap(({ specifier }) => specifier ?? [])], rounds, options.node);
  const emptyModuleMs = times.get(empty) ?? Number.NaN;
  const packages = [];
  for (const { name, version, code, specifier } of subjects) {
    const sizes = code === undefined ? undefined : await minified(code);
    const total = specifier === undefined ? undefined : times.get(specifier);
    packages.push({
      name,
      version,
      minified: sizes && Buffer.byteLength(sizes.code),
      gzipped: sizes && gzipSync(sizes.code, { level: 9 }).length,
      importMs: total === undefined ? undefined : total - emptyModuleMs,
    });
  }
  return { emptyModuleMs, packages, ...onDisk() };
}

function peers({ contenders: chosen }) {
  return [...new Set(chosen.flatMap((id) => contenders[id].package ?? []))];
}

function versionOf(name) {
  return JSON.parse(readFileSync(join(here, 'node_modules', name, 'package.json'), 'utf8')).version;
}

function write(name, code) {
  const file = join(here, '.cache', `${name}.mjs`);
  writeFileSync(file, code);
  return pathToFileURL(file).href;
}

async function minified(contents) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: here, loader: 'js' },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    target: 'es2023',
    conditions: ['production'],
    define: { 'process.env.NODE_ENV': '"production"' },
    legalComments: 'none',
    write: false,
    logLevel: 'silent',
  });
  return { code: outputFiles[0].text };
}

/** What a quarter of the processes stays below that import one thing each; in every round each specifier once, the first round not counted. */
function importTimes(specifiers, rounds, node) {
  const samples = new Map(specifiers.map((specifier) => [specifier, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const specifier of specifiers) {
      const code = `const start = performance.now(); await import(${JSON.stringify(specifier)}); console.log('@@' + (performance.now() - start)); process.exit(0);`;
      const { stdout } = spawnSync(node, ['--input-type=module', '-e', code], { cwd: here, encoding: 'utf8', timeout: 20_000 });
      const found = /@@([\d.]+)/.exec(stdout ?? '')?.[1];
      if (round > 0 && found !== undefined) samples.get(specifier)?.push(Number(found));
    }
  }
  return new Map([...samples].map(([specifier, times]) => [specifier, percentile(times, 0.25)]));
}

/** What npm would unpack, types and maps included. */
function onDisk() {
  const { dependencies = {} } = JSON.parse(readFileSync(join(coreDirectory, 'package.json'), 'utf8'));
  const counted = { dependencies: Object.keys(dependencies).length, unpackedBytes: undefined };
  try {
    const [packed] = JSON.parse(
      execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
        cwd: coreDirectory,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }),
    );
    return { ...counted, unpackedBytes: packed.unpackedSize };
  } catch {
    return counted;
  }
}
