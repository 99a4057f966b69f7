import type { Versions } from './released-versions.ts';

/** What of the package.json of a template is filled in. */
export interface TemplateManifest {
  readonly dependencies: Versions;
  readonly devDependencies: Versions;
  readonly [field: string]: unknown;
}

/**
 * The package.json of a new project: that of its template, with a name and with versions.
 *
 * @throws Error where the template names a package of which no version is known.
 */
export function projectManifest(template: TemplateManifest, name: string, versions: Versions): TemplateManifest {
  const filled = (dependencies: Versions): Versions =>
    Object.fromEntries(
      Object.keys(dependencies).map((dependency) => {
        const version = versions[dependency];
        if (version === undefined) throw new Error(`No version of ${dependency} is known.`);
        return [dependency, version];
      }),
    );
  return { ...template, name, dependencies: filled(template.dependencies), devDependencies: filled(template.devDependencies) };
}

/** The name of a package that is as close to the name of its folder as npm allows. */
export function packageName(folderName: string): string {
  const name = folderName
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replaceAll(/^[._-]+|-+$/g, '')
    .slice(0, 214);
  return name === '' ? 'stageflow-project' : name;
}
