import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { UsageError } from './usage-error.ts';

/** What the command line asks for. */
export interface CommandLine {
  readonly help: boolean;
  /** A project, or its node_modules. */
  readonly path: string;
  readonly policyFile: string;
  readonly outputFolder: string;
  readonly measureSizes: boolean;
  /** `undefined` where none was named. */
  readonly journalFile: string | undefined;
  /** Whether an audit that was not finished stays so. */
  readonly isFresh: boolean;
}

/** Shown by `--help`. */
export const usage = `Usage: dependency-audit [path] [options]

Audits the packages in a node_modules folder against a policy: licences, sizes,
engines, install scripts, duplicate versions. Only reads what is installed; the
network is not used. An audit that is killed is continued by the next start with
the same path and policy.

  path               a project, or its node_modules; default: this repository
  --policy <file>    the policy, JSON; default: policy.json of this example
  --out <folder>     where report.md and report.html go;
                     default: ./dependency-audit-report
  --no-sizes         leave out the sizes: faster, for very large trees
  --journal <file>   where the audit is kept while it runs, a SQLite file;
                     default: in .cache of this example
  --fresh            begin anew, whatever the journal holds
  --help

Exit codes: 0 within the policy, 1 blocked by it, 2 wrong usage, 3 the audit
itself failed, 130 interrupted.`;

const options = {
  policy: { type: 'string', default: fileURLToPath(new URL('../policy.json', import.meta.url)) },
  out: { type: 'string', default: 'dependency-audit-report' },
  'no-sizes': { type: 'boolean', default: false },
  journal: { type: 'string' },
  fresh: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

/** @throws UsageError where there is an option nobody knows, or one too many paths. */
export function readCommandLine(args: readonly string[]): CommandLine {
  const { values, positionals } = parsed(args);
  const [path = fileURLToPath(new URL('../../..', import.meta.url)), ...rest] = positionals;
  if (rest.length > 0) throw new UsageError(`One path is expected, not ${positionals.length}: ${positionals.join(', ')}\nSee --help.`);
  return {
    help: values.help,
    path,
    policyFile: values.policy,
    outputFolder: values.out,
    measureSizes: !values['no-sizes'],
    journalFile: values.journal,
    isFresh: values.fresh,
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options });
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : error}\nSee --help.`);
  }
}
