// The TypeScript blocks of the documentation, as modules that the compiler checks and that run.
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { command } from './command.mjs';
import { root } from './workspace.mjs';

const pages = ['*.md', 'docs/**/*.md', 'packages/*/*.md', 'examples/*/*.md'];

/**
 * The modules in a page. Each block marked `ts` is a module of its own; `ts continued` goes on with the one before it; `ts unchecked` is left
 * alone. A comment `<!-- snippet: … -->` holds declarations for the next module that readers need not see.
 *
 * Every line keeps its number, so that an error names the line of the page.
 *
 * @param {string} markdown
 * @returns {string[]}
 */
export function snippetsOf(markdown) {
  const lines = markdown.split('\n');
  /** @type {string[][]} */
  const modules = [];
  /** @type {Map<number, string>} */
  let prelude = new Map();
  let kind = 'prose';
  for (const [index, line] of lines.entries()) {
    const fence = /^\s*```\s*(.*)$/.exec(line);
    if (kind === 'code' || kind === 'other') {
      if (fence?.[1] === '') kind = 'prose';
      else if (kind === 'code') place(modules, index, line);
    } else if (kind === 'prelude' || line.startsWith('<!-- snippet:')) {
      prelude.set(index, line.replace('<!-- snippet:', '').replace('-->', ''));
      kind = line.includes('-->') ? 'prose' : 'prelude';
    } else if (fence) {
      const [language, note] = fence[1]?.trim().split(/\s+/) ?? [];
      kind = language === 'ts' && note !== 'unchecked' ? 'code' : 'other';
      if (kind !== 'code') continue;
      if (note !== 'continued' || modules.length === 0) modules.push([]);
      for (const [at, text] of prelude) place(modules, at, text);
      prelude = new Map();
    }
  }
  return modules.map((module) => `${Array.from(module, (line) => line ?? '').join('\n')}\nexport {};\n`);
}

/**
 * @param {string[][]} modules
 * @param {number} index
 * @param {string} line
 */
function place(modules, index, line) {
  const module = modules.at(-1);
  if (module) module[index] = line;
}

/**
 * How a module of the documentation runs: by itself, as a file of tests, or not, because it names things that are not there (`declare`).
 *
 * @param {string} text
 * @returns {'run' | 'test' | 'declared'}
 */
export function kindOf(text) {
  if (/^\s*(export )?declare /m.test(text)) return 'declared';
  return /^\s*import .* from 'vitest'/m.test(text) ? 'test' : 'run';
}

/** Type-checks every snippet of the documentation, and runs those that need nothing but the packages. */
export async function checkSnippets() {
  const folder = join(root, '.cache/snippets');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const exclude = (/** @type {string} */ path) => /node_modules|CHANGELOG/.test(path);
  const files = pages.flatMap((pattern) => globSync(pattern, { cwd: root, exclude })).filter((path) => !exclude(path));
  let count = 0;
  const modules = { run: /** @type {string[]} */ ([]), test: /** @type {string[]} */ ([]), declared: /** @type {string[]} */ ([]) };
  for (const path of files) {
    for (const [index, text] of snippetsOf(readFileSync(join(root, path), 'utf8')).entries()) {
      const kind = kindOf(text);
      const name = join(folder, `${path.replaceAll('/', '__')}.${index + 1}.${kind === 'test' ? 'test.ts' : 'ts'}`);
      writeFileSync(name, text);
      count += 1;
      // Pages of errors, mistakes and recipes are run by tests of their own, which compare what comes of them.
      if (!/^docs\/(errors\/SF_|common-mistakes\.md|recipes\/)/.test(path)) modules[kind].push(name);
    }
  }
  console.log(`${count} snippets in ${files.length} pages`);
  if (count === 0) return;
  const options = { noUnusedLocals: false, noUnusedParameters: false };
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: '../../tsconfig.check.json', compilerOptions: options, include: ['*.ts'] }),
  );
  await command('tsc', ['-p', join(folder, 'tsconfig.json')]);
  const conditions = ['--conditions=@stageflow/source', '--no-warnings'];
  await command(process.execPath, [...conditions, join(root, 'scripts/run-snippets.mjs'), ...modules.run], { show: false });
  console.log(`${modules.run.length} ran to their end`);
  console.log(`${modules.declared.length} name what is not there, and are not run`);
  if (modules.test.length > 0) await runAsTests(folder);
}

/** @param {string} folder */
async function runAsTests(folder) {
  const config = `import { conditions } from '../../vitest.config.ts';
export default { resolve: { conditions }, ssr: { resolve: { conditions } }, test: { include: ['**/*.test.ts'] } };
`;
  writeFileSync(join(folder, 'vitest.config.ts'), config);
  await command('vitest', ['run', '--root', folder, '--config', join(folder, 'vitest.config.ts'), '--reporter=dot'], { show: false });
  console.log(`${globSync('*.test.ts', { cwd: folder }).length} ran as tests`);
}
