/** async.auto hands every function all results so far, by name. It checks the graph again in each run. */
export default () => {
  let auto;
  return {
    receives: 'record',
    async load() {
      ({ auto } = (await import('async')).default);
    },
    build({ names, needs }, stages) {
      const task = (stage, from) =>
        from.length === 0 ? async () => stage({}) : [...from.map((need) => names[need]), async (results) => stage(results)];
      return Object.fromEntries(stages.map((stage, index) => [names[index], task(stage, needs[index])]));
    },
    run: (tasks) => auto(tasks),
  };
};
