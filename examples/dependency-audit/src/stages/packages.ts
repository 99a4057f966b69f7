import { type ItemOutcome, isStageflowError, map, type OutputOf, optional, stage } from '@stageflow/core';
import type { InstalledPackage } from '../node-modules/installed-package.ts';
import { discover } from './discover.ts';
import { type EngineRange, engineOf } from './package/engine.ts';
import { type InstallScript, installScriptsOf } from './package/install-scripts.ts';
import { licenceOf } from './package/licence.ts';
import { manifestOf } from './package/manifest.ts';
import { type PackageSize, sizeOf } from './package/size.ts';

/** Everything that was found out about one package. */
export interface PackageFacts extends InstalledPackage {
  readonly licence: string;
  /** `undefined` where it asks for no version of Node. */
  readonly engine: EngineRange | undefined;
  readonly installScripts: readonly InstallScript[];
  /** `undefined` where sizes are not measured. */
  readonly size: PackageSize | undefined;
}

/**
 * Looks at every package by itself, a few at a time: its manifest, then licence, size, engine and install scripts side by
 * side. A package that cannot be read is an outcome among the others, and stops none of them.
 */
export const packages = map(
  'packages',
  discover,
  (place) => {
    const read = manifestOf(place);
    const needs = {
      read,
      licence: licenceOf(read),
      engine: engineOf(read),
      installScripts: installScriptsOf(read),
      size: optional(sizeOf(read)),
    };
    return stage('package', {
      needs,
      run: ({ read: { id, name, version, directory }, ...found }): PackageFacts => ({ id, name, version, directory, ...found }),
    });
  },
  { key: ({ key }) => key, concurrency: 16, onItemError: 'collect' },
);

/** How the packages came out, in the order of their places. */
export type PackageOutcomes = OutputOf<typeof packages>;

/** The packages that could be read, by name and version: the same order on every machine. */
export function readPackages(outcomes: PackageOutcomes): PackageFacts[] {
  return outcomes
    .flatMap((outcome) => (outcome.status === 'completed' ? [outcome.output] : []))
    .sort((left, right) => (left.id < right.id ? -1 : left.id > right.id ? 1 : 0));
}

/** Why a package has no facts, in words; `undefined` where it has. */
export function problemOf(outcome: ItemOutcome): string | undefined {
  if (outcome.status === 'completed') return undefined;
  if (outcome.status !== 'failed') return outcome.reason;
  const { error } = outcome;
  // What was thrown says it; the stage that it was thrown in is of no interest to whoever reads the report.
  return isStageflowError(error, 'SF_STAGE_FAILED') && error.cause instanceof Error ? error.cause.message : error.message;
}
