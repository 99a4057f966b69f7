import { createContext, runInContext } from 'node:vm';
import { rolldown } from 'rolldown';

/** What core may use besides the built-ins of ECMAScript: present in browsers, Node, Deno, Bun and edge runtimes. */
const allowed = [
  'AbortController',
  'AbortSignal',
  'DOMException',
  'Event',
  'EventTarget',
  'MessageChannel',
  'clearTimeout',
  'crypto',
  'performance',
  'queueMicrotask',
  'setTimeout',
  'structuredClone',
];

/**
 * Bundles the scripts into one, and runs it where there is nothing but ECMAScript and the allowed globals: no `process`, no `console`,
 * no code from strings.
 *
 * @param {readonly string[]} scripts Absolute paths; all are loaded, the first one is given to `use`.
 * @param {string} use Absolute path of a module that exports `runSmoke(firstScript)`.
 * @returns {Promise<unknown>} What `runSmoke` gave.
 */
export async function runOnWebStandards(scripts, use) {
  const bundle = await bundleToScript(scripts, use);
  return runScript(`${bundle}; smoke.result`);
}

/**
 * Runs a script where there is nothing but ECMAScript and the allowed globals.
 *
 * @param {string} script
 * @param {Record<string, unknown>} [more] Further globals.
 * @returns {unknown} The value of its last statement.
 */
export function runScript(script, more = {}) {
  const context = createContext(Object.fromEntries(allowed.map((name) => [name, Reflect.get(globalThis, name)])), {
    codeGeneration: { strings: false, wasm: false },
  });
  // V8 gives every context a console.
  runInContext('delete globalThis.console', context);
  Object.assign(context, more);
  return runInContext(script, context);
}

/**
 * @param {readonly string[]} scripts
 * @param {string} use
 */
async function bundleToScript(scripts, use) {
  const entry = 'virtual:smoke';
  const source = [
    ...scripts.map((script, index) => `import * as entry${index} from ${JSON.stringify(script)};`),
    `import { runSmoke } from ${JSON.stringify(use)};`,
    // Uses every entry as a value, so that none is shaken out of the bundle.
    `export const entries = [${scripts.map((_, index) => `{ ...entry${index} }`).join(', ')}];`,
    'export const result = runSmoke(entry0);',
  ].join('\n');
  const build = await rolldown({
    input: entry,
    platform: 'neutral',
    treeshake: false,
    onLog: (_level, log) => {
      throw new Error(log.message);
    },
    plugins: [
      {
        name: 'smoke-entry',
        resolveId: (id) => (id === entry ? id : undefined),
        load: (id) => (id === entry ? source : undefined),
      },
    ],
  });
  const { output } = await build.generate({ format: 'iife', name: 'smoke' });
  return output[0].code;
}
