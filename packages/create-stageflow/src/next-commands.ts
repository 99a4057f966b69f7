/** What to type after a project was made, in the words of the package manager that made it. */
export interface NextCommands {
  readonly install: string;
  readonly start: string;
}

/**
 * The two commands that bring a new project to its first run.
 *
 * @param folder - As it was typed.
 * @param userAgent - `npm_config_user_agent`, by which package managers say who they are. @default that of npm
 */
export function nextCommands(folder: string, userAgent = ''): NextCommands {
  const manager = /^(npm|pnpm|yarn|bun)\//.exec(userAgent)?.[1] ?? 'npm';
  const quoted = /^[\w./-]+$/.test(folder) ? folder : `'${folder.replaceAll("'", "'\\''")}'`;
  return { install: folder === '.' ? `${manager} install` : `cd ${quoted} && ${manager} install`, start: `${manager} start` };
}
