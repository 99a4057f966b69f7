// Every command of the root package.json that is more than one tool ends here; pnpm has installed everything before this line runs.
import { mkdirSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { delimiter, join } from 'node:path';
import { root } from './workspace.mjs';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `Node ${process.versions.node} runs this, but the install should have put Node 24 in node_modules/.bin.\n` +
      'Run the install by itself to see why it failed: npx -y pnpm@12.21.0 install',
  );
  process.exit(1);
}
Object.assign(process.env, { TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1', NO_UPDATE_NOTIFIER: '1' });
process.env['PATH'] = [join(root, 'node_modules', '.bin'), process.env['PATH'] ?? ''].join(delimiter);
process.chdir(root);
mkdirSync('.cache', { recursive: true });
// Packages are read from their sources: in a fresh clone nothing is built.
registerHooks({
  resolve: (specifier, context, next) => next(specifier, { ...context, conditions: [...context.conditions, '@stageflow/source'] }),
});

/** @type {Record<string, (args: string[]) => Promise<number>>} */
const commands = {
  demo: async (args) => (await import('./demo.mjs')).runDemo(args),
  verify: async () => (await import('./verify.mjs')).verify(),
  platforms: async () => (await import('./verify.mjs')).verifyPlatforms(),
  'types:matrix': async () => (await import('./types/matrix.mjs')).checkTypesEverywhere(),
  properties: async (args) => (await import('./long-runs.mjs')).runProperties(args),
  crashes: async (args) => (await import('./long-runs.mjs')).runCrashes(args),
  bench: async (args) => (await import('./long-runs.mjs')).runBench('bench', args),
  'bench:stores': async (args) => (await import('./long-runs.mjs')).runBench('bench:stores', args),
  'spike:restate': async () => (await import('./long-runs.mjs')).runRestateSpike(),
  rehearse: async () => (await import('./rehearse.mjs')).rehearse(),
  'conformance:update': async () => (await import('./conformance.mjs')).updateConformance(),
  'api:update': async () => (await import('./api-surface.mjs')).updateSurfaces(),
  'docs:build': async () => (await import('./docs-site/docs-site.mjs')).makeDocsSite(),
  'docs:look': async () => (await import('./docs-site/browser.mjs')).takePictures(),
  'mistakes:update': async () => (await import('./mistakes.mjs')).updateCommonMistakes(),
  'errors:update': async () => (await import('./error-pages.mjs')).updateErrorPages(),
};

const [name = '', ...args] = process.argv.slice(2);
const command = commands[name];
if (!command) {
  console.error(`Unknown command "${name}". Known: ${Object.keys(commands).join(', ')}.`);
  process.exit(2);
}
process.exit(await command(args));
