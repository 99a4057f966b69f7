// History by the hundred thousand: one run that the store itself has written, copied in the database under other ids, with
// whatever columns the tables of the store have.

/**
 * @typedef {object} Dialect
 * @property {(open: import('./open-store.mjs').OpenStore) => Promise<{ table: string, columns: { name: string, isText: boolean }[] }[]>} tables
 *   Those that have rows of runs, without the columns that the database fills in itself.
 * @property {string} id The id of the copy `n`, as `oldId` makes it.
 * @property {(from: string, to: string) => string} series The numbers, as a table `copies` with a column `n`.
 * @property {(at: number) => string} parameter
 */

/** @type {Record<'sqlite' | 'postgres', Dialect>} */
const dialects = {
  sqlite: {
    async tables({ query }) {
      const names = await query("SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'stageflow_%'");
      const described = await Promise.all(
        names.map(async ({ name }) => {
          const columns = await query(`PRAGMA table_info(${name})`);
          const keys = columns.filter(({ pk }) => pk > 0);
          const isFilled = ({ pk, type }) => pk > 0 && keys.length === 1 && type === 'INTEGER';
          return {
            table: name,
            columns: columns.filter((column) => !isFilled(column)).map((column) => ({ name: column.name, isText: column.type === 'TEXT' })),
          };
        }),
      );
      return described.filter(hasRuns);
    },
    id: "printf('%08x-%04x-7000-8000-%012x', n >> 16, n & 65535, n)",
    series: (from, to) =>
      `(WITH RECURSIVE numbers (n) AS (SELECT ${from} UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < ${to}) SELECT n FROM numbers)`,
    parameter: () => '?',
  },
  postgres: {
    async tables({ query }) {
      const columns = await query(
        `SELECT table_name, column_name, data_type FROM information_schema.columns
         WHERE table_schema = 'stageflow' AND is_identity = 'NO' ORDER BY table_name, ordinal_position`,
      );
      const byTable = Map.groupBy(columns, ({ table_name }) => table_name);
      return Array.from(byTable, ([name, its]) => ({
        table: `stageflow.${name}`,
        columns: its.map(({ column_name, data_type }) => ({ name: column_name, isText: data_type === 'text' })),
      })).filter(hasRuns);
    },
    id: "lpad(to_hex(n >> 16), 8, '0') || '-' || lpad(to_hex(n & 65535), 4, '0') || '-7000-8000-' || lpad(to_hex(n), 12, '0')",
    series: (from, to) => `(SELECT n FROM generate_series(${from}, ${to} - 1) AS n)`,
    parameter: (at) => `$${at}`,
  },
};

const hasRuns = ({ columns }) => columns.some(({ name }) => name === 'run_id');

/** Rows of one statement: few enough for the log of SQLite. */
const copiesAtOnce = 10_000;

/**
 * Copies a run under the ids `oldId(from)` to `oldId(to - 1)`.
 *
 * @param {import('./open-store.mjs').OpenStore} open
 * @param {'sqlite' | 'postgres'} name
 * @param {string} template Its id.
 */
export async function copyRuns(open, name, template, from, to) {
  const { tables, id, series, parameter } = dialects[name];
  for (const { table, columns } of await tables(open)) {
    const names = columns.map((column) => column.name).join(', ');
    const values = columns.map((column) => copyOf(column, id, template)).join(', ');
    for (let at = from; at < to; at += copiesAtOnce) {
      const copies = series(String(at), String(Math.min(to, at + copiesAtOnce)));
      const sql = `INSERT INTO ${table} (${names}) SELECT ${values} FROM ${table} CROSS JOIN ${copies} AS copies WHERE run_id = ${parameter(1)}`;
      await open.query(sql, [template]);
    }
  }
}

/** Ids are in other texts, too: in the row of the run, and in the id of a wait. No two runs ended at one moment. */
function copyOf({ name, isText }, id, template) {
  if (name === 'run_id') return id;
  if (name === 'ended_at') return `${name} + n - 100000000`;
  return isText ? `replace(${name}, '${template}', ${id})` : name;
}
