/** Effect has no graph: a fiber per stage, which joins the fibers it needs, is the plainest way to say one. */
export default (major) => {
  let Effect;
  let Fiber;
  return {
    receives: 'array',
    async load() {
      ({ Effect, Fiber } = major === '4' ? await import('effect') : await import('effect-3'));
    },
    build({ needs }, stages) {
      const fork = major === '4' ? Effect.forkChild : Effect.fork;
      const joinAll = major === '4' ? Fiber.joinAll : (fibers) => Effect.forEach(fibers, (fiber) => Fiber.join(fiber));
      return Effect.gen(function* () {
        const fibers = new Array(stages.length);
        for (const [index, stage] of stages.entries()) {
          const from = needs[index];
          const call = (values) => Effect.promise(() => stage(values));
          fibers[index] = yield* fork(from.length === 0 ? call([]) : Effect.flatMap(joinAll(from.map((need) => fibers[need])), call));
        }
        return yield* joinAll(fibers);
      });
    },
    run: (program) => Effect.runPromise(program),
  };
};
