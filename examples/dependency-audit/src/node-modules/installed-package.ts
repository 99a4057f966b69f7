import { basename, dirname } from 'node:path';
import { type Manifest, textIn } from './manifest.ts';

/** Where a package should be. */
export interface Place {
  /** The path from node_modules. Unique, and of pnpm's store it names the version: `.pnpm/a@1.0.0/node_modules/a`. */
  readonly key: string;
  /** The real path, links resolved. */
  readonly directory: string;
  /** `false` for a folder that may not be looked into. */
  readonly isOpen: boolean;
}

/** One package as it is installed: a name, a version and the place where it really stands. */
export interface InstalledPackage {
  /** `name@version`. Not unique: npm nests copies, and pnpm keeps one for every set of peers. */
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly directory: string;
}

/** A place that should hold a package and could not be read. */
export interface UnreadablePackage {
  readonly directory: string;
  readonly problem: string;
}

/** The package that a manifest describes; the folder says what the manifest does not. */
export function installedPackage(directory: string, manifest: Manifest): InstalledPackage {
  const name = textIn(manifest, 'name') ?? folderName(directory);
  const version = textIn(manifest, 'version') ?? '?';
  return { id: `${name}@${version}`, name, version, directory };
}

function folderName(directory: string): string {
  const scope = basename(dirname(directory));
  return scope.startsWith('@') ? `${scope}/${basename(directory)}` : basename(directory);
}
