import { median } from '../statistics.mjs';
import { bareOf, basisOf, entryOf } from './contenders.mjs';

/** What was measured, asked for by what it is of. */
export class Found {
  /** @param {readonly any[]} rows - What the children have reported. */
  constructor(rows, setting) {
    this.rows = rows;
    this.setting = setting;
  }

  get errors() {
    return this.rows.filter(({ error }) => error !== undefined);
  }

  part(part) {
    return this.rows.filter((row) => row.part === part && row.error === undefined);
  }

  /** @param {string} id */
  throughput(id) {
    return this.part('throughput').filter(({ contender }) => contender === id);
  }

  /** The median over rounds; nothing where it was not measured. */
  median(id, read) {
    const values = this.throughput(id)
      .map(read)
      .filter((value) => value !== undefined);
    return values.length === 0 ? undefined : median(values);
  }

  /** The time of a run, as a multiple of the basis of its place in the same round. */
  ratio(id, concurrency, to = basisOf[entryOf(id).place]) {
    const ratios = this.throughput(id).flatMap((row) => {
      const basis = this.throughput(to).find(({ round }) => round === row.round);
      return basis === undefined ? [] : [row.at[concurrency].msPerRun / basis.at[concurrency].msPerRun];
    });
    return ratios.length === 0 ? undefined : median(ratios);
  }

  /** Milliseconds of a run beyond those of the same product where nothing is kept. */
  added(id, concurrency) {
    const msPerRun = (which) => this.median(which, ({ at }) => at[concurrency].msPerRun);
    const [own, bare] = [msPerRun(id), bareOf(id) && msPerRun(bareOf(id))];
    return own === undefined || bare === undefined || bareOf(id) === id ? undefined : own - bare;
  }

  /** The same as `ratio` of the best rounds: what disturbs a measurement makes it longer. */
  bestRatio(id, concurrency, to) {
    const best = (which) => Math.min(...this.throughput(which).map(({ at }) => at[concurrency].msPerRun));
    const ratio = best(id) / best(to);
    return Number.isFinite(ratio) ? ratio : undefined;
  }
}
