import type { Manifest } from './manifest.ts';

/** One package as it is installed: a name, a version and the place where it really stands. */
export interface InstalledPackage {
  /** `name@version`. Not unique: npm nests copies, and pnpm keeps one for every set of peers. */
  readonly id: string;
  readonly name: string;
  readonly version: string;
  /** The real path, links resolved. Unique. */
  readonly directory: string;
  readonly manifest: Manifest;
}

/** A place that should hold a package and could not be read. */
export interface UnreadablePackage {
  readonly directory: string;
  readonly problem: string;
}

/** What stands in a node_modules folder. */
export interface Discovery {
  readonly nodeModules: string;
  /** Sorted by id, then by place. */
  readonly packages: readonly InstalledPackage[];
  readonly unreadable: readonly UnreadablePackage[];
  /** Links that lead out of node_modules: packages of the workspace, which nobody installed. Not audited. */
  readonly linked: readonly string[];
}
