import { features } from '../features.mjs';
import { figure, table } from './table.mjs';

/**
 * What single features cost, each beside the same without it.
 *
 * @param {import('../summary.mjs').Summary} summary
 */
export function featureSection(summary) {
  const parts = Object.entries(features).flatMap(([id, { title, unit, basis, variants }]) => {
    const rows = Object.entries(variants).flatMap(([variant, label]) => {
      const time = summary.feature(id, variant);
      if (time === undefined && summary.problem('feature', variant, id) === undefined) return [];
      return [[label, figure(time), variant === basis ? '= 1' : figure(summary.featureRatio(id, variant), '×')]];
    });
    return rows.length === 0 ? [] : [table([`${title} (\`${id}\`)`, `µs/${unit}`, 'ratio'], rows)];
  });
  if (parts.length === 0) return '';
  const note = 'Bodies do nothing, as above. The ratio is of the same round, to the first row.';
  return `## Features\n\n${note}\n\n${parts.join('\n\n')}`;
}
