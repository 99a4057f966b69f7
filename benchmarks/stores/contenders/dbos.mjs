import { postgresKept } from '../kept/postgres.mjs';
import { chain, checkEnds, fan, seed, stageCount, stageWork } from '../work.mjs';

/**
 * A workflow with a step for each stage, on a pool of its own.
 *
 * @returns {Promise<import('../contenders.mjs').Contender>}
 */
export default async (_variant, { url }) => {
  const { DBOS } = await import('@dbos-inc/dbos-sdk');
  const place = await postgresKept(url);
  DBOS.setConfig({ name: 'bench', systemDatabaseUrl: url, logLevel: 'error' });
  const step = (name, value) => DBOS.runStep(() => stageWork(name, value), { name });
  const bench = DBOS.registerWorkflow(
    async (given) => {
      let value = given;
      for (const name of chain) value = await step(name, value);
      return Promise.all(fan.map((name) => step(name, value)));
    },
    { name: 'bench' },
  );
  await DBOS.launch();
  return {
    run: async () => checkEnds(await bench(seed)),
    kept: async () => ({
      runs: await place.count("SELECT count(*) FROM dbos.workflow_status WHERE status = 'SUCCESS'"),
      records: await place.count('SELECT count(*) FROM dbos.operation_outputs'),
    }),
    expected: { runs: 1, records: stageCount },
    place,
    async close() {
      await DBOS.shutdown();
      await place.close();
    },
  };
};
