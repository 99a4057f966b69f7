import { readFileSync } from 'node:fs';
import { readCommandLine, usage } from './command-line.ts';
import { createProject } from './create-project.ts';
import { nextCommands } from './next-commands.ts';
import { type OwnManifest, releasedVersions } from './released-versions.ts';

/** What the program needs of its process. */
export interface ProgramHost {
  readonly output: { write(text: string): unknown };
  readonly errors: { write(text: string): unknown };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** @default the package.json of this package */
  readonly manifest?: OwnManifest | undefined;
}

/**
 * Makes the project that the arguments ask for, and says what to type next.
 *
 * @returns The exit code: 0, or 1 where nothing was made and `errors` was told why.
 */
export function runProgram(args: readonly string[], { output, errors, env, manifest = ownManifest() }: ProgramHost): number {
  try {
    const asked = readCommandLine(args);
    if (asked.help) {
      output.write(`${usage}\n`);
      return 0;
    }
    createProject({ ...asked, versions: releasedVersions(manifest) });
    const { install, start } = nextCommands(asked.folder, env['npm_config_user_agent']);
    output.write(`Made ${asked.folder} from the template "${asked.template}". Next:\n\n  ${install}\n  ${start}\n`);
    return 0;
  } catch (error) {
    errors.write(`${error instanceof Error ? error.message : error}\n`);
    return 1;
  }
}

function ownManifest(): OwnManifest {
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
}
