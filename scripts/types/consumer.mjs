// A project outside of the workspace that uses the declarations of core, as an application would, under any of three compilers.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { command } from '../command.mjs';
import { corePackage, root } from '../workspace.mjs';

/**
 * @typedef {'5.9' | '6.0' | '7.0'} CompilerVersion
 * @typedef {{ readonly file: string, readonly line: number, readonly column: number, readonly code: string, readonly message: string }} Diagnostic
 * @typedef {{ readonly diagnostics: readonly Diagnostic[], readonly instantiations: number }} Compilation
 */

/** @type {readonly CompilerVersion[]} */
export const compilerVersions = ['5.9', '6.0', '7.0'];

/** Where each compiler is. */
export const compilers = {
  5.9: join(root, 'node_modules/typescript-5.9/bin/tsc'),
  '6.0': join(root, 'node_modules/typescript-6.0/bin/tsc'),
  '7.0': join(root, 'node_modules/typescript/bin/tsc'),
};

const options = {
  target: 'es2023',
  lib: ['es2023', 'dom'],
  types: [],
  module: 'nodenext',
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  verbatimModuleSyntax: true,
  skipLibCheck: true,
};

export class Consumer {
  /** @param {string} directory */
  constructor(directory) {
    this.directory = directory;
  }

  /**
   * Makes the project. The declarations of core are emitted anew from its sources, so nothing need be built before.
   *
   * @returns {Promise<Consumer>}
   */
  static async create() {
    mkdirSync(join(root, '.cache'), { recursive: true });
    const directory = mkdtempSync(join(root, '.cache/types-'));
    const installed = join(directory, 'node_modules/@stageflow/core');
    const emit = [
      '--outDir',
      installed,
      '--emitDeclarationOnly',
      '--declarationMap',
      'false',
      '--composite',
      'false',
      '--incremental',
      'false',
    ];
    await command(
      process.execPath,
      [compilers['7.0'], '-p', join(corePackage().directory, 'tsconfig.json'), ...emit, '--tsBuildInfoFile', 'null'],
      {
        show: false,
      },
    );
    const manifest = { name: '@stageflow/core', type: 'module', exports: { '.': { types: './index.d.ts' } } };
    writeFileSync(join(installed, 'package.json'), JSON.stringify(manifest));
    writeFileSync(join(directory, 'package.json'), JSON.stringify({ name: 'consumer', type: 'module' }));
    return new Consumer(directory);
  }

  /**
   * @param {string} file
   * @param {string} source
   */
  write(file, source) {
    writeFileSync(join(this.directory, file), source);
  }

  /** @param {string} file */
  read(file) {
    return readFileSync(join(this.directory, file), 'utf8');
  }

  /**
   * Checks `files` and, with `emit`, writes their declarations beside them.
   *
   * @param {readonly string[]} files
   * @param {{ readonly version?: CompilerVersion, readonly emit?: boolean }} [how]
   * @returns {Promise<Compilation>}
   */
  async compile(files, { version = '7.0', emit = false } = {}) {
    const output = emit ? { declaration: true, emitDeclarationOnly: true } : { noEmit: true };
    const project = `tsconfig.${version}.json`;
    this.write(project, JSON.stringify({ compilerOptions: { ...options, ...output }, files }));
    return readOutput(
      await run(process.execPath, [compilers[version], '-p', project, '--pretty', 'false', '--extendedDiagnostics'], this.directory),
    );
  }

  /** Takes the project away. */
  remove() {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/**
 * @param {string} output
 * @returns {Compilation}
 */
function readOutput(output) {
  const diagnostics = [...output.matchAll(/^(.+)\((\d+),(\d+)\): error (TS\d+): (.*(?:\n {2,}.*)*)/gm)].map(
    ([, file = '', line, column, code = '', message = '']) => ({ file, line: Number(line), column: Number(column), code, message }),
  );
  const counted = /^Instantiations:\s+(\d+)/m.exec(output);
  const loose = /^error TS.*$/m.exec(output);
  if (!counted || loose) throw new Error(`The compiler did not run:\n${output}`);
  return { diagnostics, instantiations: Number(counted[1]) };
}

/**
 * @param {string} program
 * @param {readonly string[]} args
 * @param {string} cwd
 * @returns {Promise<string>} What it printed, whichever way it ended.
 */
function run(program, args, cwd) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let printed = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (chunk) => {
        printed += chunk;
      });
    }
    child.once('error', reject);
    child.once('close', () => resolve(printed));
  });
}
