import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { readManifest, root } from './workspace.mjs';

/**
 * Runs a program to its end and returns what it printed.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, show?: boolean }} [options] With `show` (the default) the program prints to the terminal and
 *   the result is empty; without, its output is kept, and is in the error if it fails.
 * @returns {Promise<string>}
 * @throws If the program cannot be started, or does not exit with 0.
 */
export function command(program, args, { cwd = root, env = process.env, show = true } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', show ? 'inherit' : 'pipe', show ? 'inherit' : 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout?.on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr?.on('data', (chunk) => {
      stderr += chunk;
    });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve(stdout);
      else reject(new Error([`${program} ${args[0] ?? ''} ended with ${code ?? signal}`, stdout, stderr].filter(Boolean).join('\n')));
    });
  });
}

/**
 * Runs pnpm, the version the repository is pinned to, whether or not it is on PATH.
 *
 * @param {readonly string[]} args
 * @param {Parameters<typeof command>[2]} [options]
 */
export function pnpm(args, options) {
  if (findProgram('pnpm')) return command('pnpm', args, options);
  return command('npx', ['-y', readManifest(root).packageManager ?? 'pnpm', ...args], options);
}

/**
 * @param {string} name
 * @returns {string | undefined} The path of a program on PATH, or where Debian has servers, which not every PATH names.
 */
export function findProgram(name) {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .concat('/usr/sbin')
    .map((directory) => join(directory, name))
    .find((file) => existsSync(file));
}
