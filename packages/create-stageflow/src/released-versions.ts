/** Version ranges by the name of a package. */
export type Versions = Readonly<Record<string, string>>;

/** What of a package.json says which versions there are. */
export interface OwnManifest {
  readonly peerDependencies?: Versions;
  readonly devDependencies?: Versions;
}

/**
 * The versions that a new project asks for: those this package was released with, and whatever follows them compatibly.
 *
 * Its own package.json names them. In the repository that says `workspace:` and `catalog:`; packing puts the versions there.
 * Nothing of it is installed with this package: the peers are optional, and the rest is for development.
 *
 * @throws Error where the package was not packed.
 */
export function releasedVersions({ peerDependencies = {}, devDependencies = {} }: OwnManifest): Versions {
  return Object.fromEntries(
    Object.entries({ ...devDependencies, ...peerDependencies }).map(([name, range]) => {
      const version = /^\^?(\d+\.\d+\.\d+.*)$/.exec(range)?.[1];
      if (version === undefined) throw new Error(`"${range}" of ${name} is no version: create-stageflow runs from its tarball only.`);
      return [name, `^${version}`];
    }),
  );
}
