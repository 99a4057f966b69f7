// The graphs of the scenarios, written as any host would: nothing here knows of Restate.
import { setTimeout as sleep } from 'node:timers/promises';
import { block, fail, guard, inputs, map, optional, pass, pipeline, services, skip, stage, suspend } from '@stageflow/core';

const { text } = inputs();
const { worker } = services();

const anything = { '~standard': { version: 1, vendor: 'spike', validate: (value) => ({ value }) } };

/** A stage that takes `ms` and honours its signal. */
const slow = (name, ms, needs, value) =>
  stage(name, { needs, run: (values, { signal }) => sleep(ms, undefined, { signal }).then(() => value(values)) });

const source = slow('source', 20, { text }, ({ text }) => text.toUpperCase());
const left = slow('left', 300, { source }, ({ source }) => `${source}-left`);
const right = slow('right', 40, { source }, ({ source }) => `${source}-right`);
const absent = stage('absent', { needs: { source }, run: () => skip('nothing to add') });
const behindAbsent = stage('behindAbsent', { needs: { absent }, run: () => 'never' });
const safe = guard('safe', { subject: source, check: ({ subject }) => (subject.includes('BAD') ? block('bad word') : pass()) });
const sink = stage('sink', {
  needs: { left, right, safe, absent: optional(absent), behind: optional(behindAbsent) },
  run: ({ left, right, safe, absent, behind }) => [left, right, safe, typeof absent, typeof behind].join(' '),
});

const list = stage('list', { needs: { text }, run: ({ text }) => [...text].map((letter, index) => ({ letter, ms: 460 - 90 * index })) });
const upper = map(
  'upper',
  list,
  (item) => {
    const waited = slow('waited', 1, { item }, ({ item }) => item.letter);
    return stage('shouted', {
      needs: { item, waited },
      run: ({ item, waited }, { signal }) => sleep(item.ms, undefined, { signal }).then(() => waited.toUpperCase()),
    });
  },
  { key: ({ letter }, index) => `${letter}${index}` },
);
const joined = stage('joined', { needs: { upper }, run: ({ upper }) => upper.join('') });

const flaky = stage('flaky', {
  needs: { text },
  retry: { attempts: 3, backoff: 'constant', baseMs: 100, jitter: 'none' },
  run: ({ text }, { attempt }) => (attempt < 3 ? fail(new Error(`attempt ${attempt}`)) : `${text} at ${attempt}`),
});

const draft = slow('draft', 250, { text }, ({ text }) => `pay ${text}`);
const approval = stage('approval', {
  needs: { draft },
  run: ({ draft }, context) => {
    const answer = context.answer(anything);
    if (answer === undefined) return suspend({ question: draft });
    return answer.approved ? answer.by : fail(new Error('refused'));
  },
});
const paid = stage('paid', { needs: { draft, approval }, run: ({ draft, approval }) => `${draft}, approved by ${approval}` });

/** A worker told so has code of another version: `beside` has another name. */
const besideName = process.env['CHANGED'] === '1' ? 'besides' : 'beside';
const before = slow('before', 20, { text }, ({ text }) => text);
const long = slow('long', 1_500, { before }, ({ before }) => `${before}!`);
const beside = slow(besideName, 30, { before }, ({ before }) => `${before}?`);
const after = stage('after', { needs: { long, beside }, run: ({ long, beside }) => long + beside });

const endless = slow('endless', 60_000, { text }, () => 'never');
const broken = slow('broken', 150, { text }, () => {
  throw new RangeError('no');
});

const odd = stage('odd', {
  needs: { text },
  run: () => ({ date: new Date(0), map: new Map([[1, 2]]), gaps: [undefined, Number.NaN], none: undefined }),
});
const oddType = stage('oddType', {
  needs: { odd },
  run: ({ odd }) => `${odd.date instanceof Date} ${odd.map.get(1)} ${odd.gaps.map(String)} ${'none' in odd}`,
});
const big = stage('big', { needs: { text }, run: () => 10n });
const bigType = stage('bigType', { needs: { big }, run: ({ big }) => typeof big });
const live = stage('live', { needs: { text }, run: () => ({ close: () => {} }) });
const where = stage('where', { needs: { worker }, run: ({ worker }) => typeof worker });

const poison = stage('poison', { needs: { text }, run: () => process.kill(process.pid, 'SIGKILL') });

function chain(length) {
  let last = stage('s0', { needs: { text }, run: ({ text }) => text });
  for (let at = 1; at < length; at++) last = stage(`s${at}`, { needs: { last }, run: ({ last }) => last });
  return pipeline(`chain${length}`, { outputs: { last } });
}

function wide(width) {
  const stages = Object.fromEntries(
    Array.from({ length: width }, (_, at) => [`w${at}`, stage(`w${at}`, { needs: { text }, run: ({ text }) => text })]),
  );
  return pipeline(`wide${width}`, { outputs: stages });
}

export const pipelines = new Map(
  [
    pipeline('diamond', { outputs: { sink } }),
    pipeline('map', { outputs: { joined } }),
    pipeline('retry', { outputs: { flaky } }),
    pipeline('approval', { outputs: { paid } }),
    pipeline('kill', { outputs: { after } }),
    pipeline('cancel', { outputs: { endless } }),
    pipeline('failFast', { outputs: { endless, broken } }),
    pipeline('odd', { outputs: { oddType } }),
    pipeline('bigint', { outputs: { bigType, where } }),
    pipeline('unserialisable', { outputs: { live } }),
    pipeline('poison', { outputs: { poison } }),
    chain(1),
    chain(20),
    chain(200),
    wide(20),
    wide(100),
    wide(1_200),
  ].map((each) => [each.name, each]),
);
