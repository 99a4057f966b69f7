import { parseArgs } from 'node:util';
import { isTemplate, type Template, templateNames, templates } from './template.ts';
import { UsageError } from './usage-error.ts';

/** What the command line asks for. */
export type CommandLine = { readonly help: true } | { readonly help: false; readonly folder: string; readonly template: Template };

/** Shown by `--help`. */
export const usage: string = `Usage: npm create stageflow@latest <folder> -- [--template <name>]

Starts a TypeScript project with one pipeline, its test and its trace.

  <folder>           where it goes; made if it is not there, "." for this one
  --template <name>  what it begins as; default: basic
${templateNames.map((name) => `                       ${name.padEnd(8)} ${templates[name]}`).join('\n')}
  --help`;

const options = {
  template: { type: 'string', default: 'basic' },
  help: { type: 'boolean', default: false },
} as const;

/** @throws UsageError where no folder is named, or more than one; where an option or a template is not known. */
export function readCommandLine(args: readonly string[]): CommandLine {
  const { values, positionals } = parsed(args);
  if (values.help) return { help: true };
  const [folder, ...rest] = positionals;
  if (folder === undefined || folder === '') throw new UsageError(`Name the folder of the new project.\n\n${usage}`);
  if (rest.length > 0) throw new UsageError(`One folder is expected, not ${positionals.length}: ${positionals.join(', ')}\nSee --help.`);
  const { template } = values;
  if (!isTemplate(template)) throw new UsageError(`There is no template "${template}". There are: ${templateNames.join(', ')}.`);
  return { help: false, folder, template };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options });
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : error}\nSee --help.`);
  }
}
