import { featureOf } from './features.mjs';
import { median } from './statistics.mjs';

/** What ratios are to. */
export const basis = 'hand-promises';
export const floor = 'hand-counter';

/**
 * The rows of one run of the benchmarks, as medians over rounds. A ratio is the median of the ratios within a round.
 */
export class Summary {
  #rows;

  /**
   * @param {readonly Record<string, any>[]} rows
   * @param {Record<string, any> | undefined} footprint
   * @param {Record<string, any>} setting
   */
  constructor(rows, footprint, setting) {
    this.#rows = rows;
    this.footprint = footprint;
    this.setting = setting;
  }

  /** Contenders in the order of the registry, workloads likewise, as far as they were measured. */
  measured(mode, field, order) {
    const found = new Set(this.#rows.filter((row) => row.mode === mode).map((row) => row[field]));
    return order.filter((id) => found.has(id));
  }

  /** @returns {Record<string, any>[]} */
  rows(mode, contender, workload) {
    return this.#rows.filter((row) => row.mode === mode && row.contender === contender && row.workload === workload);
  }

  /** Why there is no figure: an error, or that the contender cannot express the graph. */
  problem(mode, contender, workload) {
    const rows = this.rows(mode, contender, workload);
    return rows.find((row) => row.error)?.error ?? (rows.some((row) => row.impossible) ? 'n/a' : undefined);
  }

  /** All problems, once each. */
  get errors() {
    const seen = new Map(this.#rows.filter((row) => row.error).map((row) => [`${row.mode} ${row.contender} ${row.workload}`, row]));
    return [...seen.values()];
  }

  /** @returns {number | undefined} */
  value(mode, contender, workload, field) {
    const values = this.rows(mode, contender, workload)
      .map((row) => row[field])
      .filter((value) => typeof value === 'number' && Number.isFinite(value));
    return values.length === 0 ? undefined : median(values);
  }

  time(contender, workload, field = 'usPerStage') {
    return this.value('time', contender, workload, field);
  }

  memory(contender, workload, field) {
    return this.value('memory', contender, workload, field);
  }

  /** @returns {number | undefined} Of the measurement that was disturbed least. */
  allocated(contender, workload) {
    const least = Math.min(
      ...this.rows('memory', contender, workload).map((row) => row.allocatedBytesPerStage ?? Number.POSITIVE_INFINITY),
    );
    return Number.isFinite(least) ? least : undefined;
  }

  /** @returns {number | undefined} The median over the rounds in which both were measured. */
  ratio(contender, workload, to = basis, field = 'usPerStage', mode = 'time') {
    const bases = new Map(this.rows(mode, to, workload).map((row) => [row.round, row[field]]));
    const ratios = this.rows(mode, contender, workload)
      .map((row) => row[field] / bases.get(row.round))
      .filter(Number.isFinite);
    return ratios.length === 0 ? undefined : median(ratios);
  }

  /**
   * The ratio of the best rounds. What disturbs a measurement makes it longer, never shorter, so this is steadier than the median:
   * it is what the gates compare.
   *
   * @returns {number | undefined}
   */
  bestRatio(contender, workload, to = basis, field = 'usPerStage', mode = 'time') {
    const [own, other] = [contender, to].map((id) => this.best(id, workload, field, mode));
    return own === undefined || other === undefined ? undefined : own / other;
  }

  /** @returns {number | undefined} The figure of the best round. */
  best(contender, workload, field = 'usPerStage', mode = 'time') {
    const best = Math.min(...this.rows(mode, contender, workload).map((row) => row[field] ?? Number.POSITIVE_INFINITY));
    return Number.isFinite(best) ? best : undefined;
  }

  /** @returns {number | undefined} µs for one unit of a feature. */
  feature(feature, variant) {
    return this.value('feature', variant, feature, 'usPerUnit');
  }

  /** @returns {number | undefined} To its basis: the median over the rounds in which both were measured. */
  featureRatio(feature, variant) {
    return this.ratio(variant, feature, featureOf(feature).basis, 'usPerUnit', 'feature');
  }

  /** @returns {number | undefined} Of the best rounds, as {@link bestRatio}. */
  bestFeatureRatio(feature, variant) {
    return this.bestRatio(variant, feature, featureOf(feature).basis, 'usPerUnit', 'feature');
  }

  /** With more rows, of another round of measuring the same. */
  with(rows) {
    return new Summary([...this.#rows, ...rows], this.footprint, this.setting);
  }

  /** The largest of several figures; nothing where one is missing. */
  static worst(values) {
    return values.length === 0 || values.includes(undefined) ? undefined : Math.max(...values);
  }
}
