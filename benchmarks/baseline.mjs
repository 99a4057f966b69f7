// The figures that the gates compare with, per major version of Node: ratios differ between them.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { features } from './features.mjs';
import { basis, floor } from './summary.mjs';

const file = join(import.meta.dirname, 'baseline.json');

export const gatedContenders = ['stageflow', 'stageflow:default', 'stageflow:all'];
export const gatedTimes = [
  'one',
  'chain-10',
  'chain-1k',
  'fan-100',
  'lattice',
  'sparse-1k',
  'sparse-1k-reading',
  'chain-10k',
  'fan-10k',
  'concurrent',
];
export const gatedBytes = ['one', 'chain-10', 'sparse-1k', 'chain-10k', 'fan-10k'];

/**
 * @typedef {object} Baseline
 * @property {Record<string, number>} ratios Of the best rounds, by `contender workload basis`.
 * @property {Record<string, number>} bytes Allocated per stage, by `contender workload`.
 * @property {Record<string, number>} features Ratios of the best rounds to the basis of the feature, by `variant feature`.
 */

/** @param {import('./summary.mjs').Summary} summary */
function majorOf({ setting }) {
  return /\d+/.exec(setting.node)?.[0] ?? '';
}

/**
 * @param {import('./summary.mjs').Summary} summary
 * @returns {Baseline | undefined}
 */
export function readBaseline(summary) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8'))[majorOf(summary)] : undefined;
}

/**
 * Keeps what was not measured this time.
 *
 * @param {import('./summary.mjs').Summary} summary
 */
export function writeBaseline(summary) {
  const all = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  const before = all[majorOf(summary)];
  const found = baselineOf(summary);
  all[majorOf(summary)] = {
    ratios: { ...before?.ratios, ...found.ratios },
    bytes: { ...before?.bytes, ...found.bytes },
    features: { ...before?.features, ...found.features },
  };
  writeFileSync(file, `${JSON.stringify(all, null, 2)}\n`);
}

/**
 * @param {import('./summary.mjs').Summary} summary
 * @returns {Baseline}
 */
export function baselineOf(summary) {
  /** @type {Baseline} */
  const found = { ratios: {}, bytes: {}, features: {} };
  for (const contender of gatedContenders) {
    for (const workload of gatedTimes) {
      for (const to of [basis, floor]) {
        const ratio = summary.bestRatio(contender, workload, to);
        if (ratio !== undefined) found.ratios[`${contender} ${workload} ${to}`] = Number(ratio.toPrecision(3));
      }
    }
    for (const workload of gatedBytes) {
      const bytes = summary.allocated(contender, workload);
      if (bytes !== undefined) found.bytes[`${contender} ${workload}`] = Math.round(bytes);
    }
  }
  for (const [feature, { variants }] of Object.entries(features)) {
    for (const variant of Object.keys(variants).filter((id) => id.startsWith('stageflow'))) {
      const ratio = summary.bestFeatureRatio(feature, variant);
      if (ratio !== undefined) found.features[`${variant} ${feature}`] = Number(ratio.toPrecision(3));
    }
  }
  return found;
}
