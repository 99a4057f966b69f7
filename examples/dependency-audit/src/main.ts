import { runProgram } from './program.ts';

// The first Ctrl-C stops the audit in an orderly way; a second one ends the process as it always does.
const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort(new Error('interrupted')));

process.exitCode = await runProgram(process.argv.slice(2), {
  output: process.stdout,
  errors: process.stderr,
  signal: interrupted.signal,
});
