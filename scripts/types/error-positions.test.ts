// Where the compiler puts the error of each common mistake. In the programs, « » enclose the text at which it must begin.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Compilation, type CompilerVersion, Consumer, compilerVersions } from './consumer.mjs';

interface Mistake {
  readonly mistake: string;
  readonly program: string;
  /** Of the first error at each marked place, in order; `a or b` where compilers differ. */
  readonly codes: readonly string[];
  readonly says?: string;
}

const prelude = `import { block, createRuntime, guard, inputs, optional, pass, pipeline, route, services, settled, skip, stage, work } from '@stageflow/core';
const { text, userId } = inputs<{ text: string; userId?: string }>();
const { model } = services<{ model: { ask(text: string): Promise<string> } }>();
const llm = stage('llm', { needs: { text }, run: async ({ text }) => ({ reply: text }) });
const profile = stage('profile', { needs: { userId }, run: ({ userId }) => (userId === undefined ? skip('anonymous') : { name: userId }) });
const intent = route('intent', { needs: { text }, run: ({ text }) => (text === 'buy' ? 'order' : 'question') });
const chat = pipeline('chat', { outputs: { llm } });
export { block, createRuntime, guard, model, optional, pass, profile, settled, work };
`;

// The table of the house style, row by row.
const table: readonly Mistake[] = [
  {
    mistake: 'a misspelt need',
    program: `export const bad = stage('bad', { needs: { «lllm» }, run: () => 1 });`,
    codes: ['TS2552'],
    says: "Did you mean 'llm'?",
  },
  {
    mistake: 'a misspelt need with a key of its own',
    program: `export const bad = stage('bad', { needs: { llm: «lllm» }, run: () => 1 });`,
    codes: ['TS2552'],
    says: "Did you mean 'llm'?",
  },
  {
    mistake: 'a need with no near name',
    program: `export const bad = stage('bad', { needs: { «zebra» }, run: () => 1 });`,
    codes: ['TS18004'],
  },
  {
    mistake: 'a value that is not among the needs',
    program: `export const bad = stage('bad', { needs: { text }, run: ({ text, «llm» }) => [text, llm] });`,
    codes: ['TS2339'],
    says: "Property 'llm' does not exist on type '{ readonly text: string; }'",
  },
  {
    mistake: 'a misspelt field of an output',
    program: `export const bad = stage('bad', { needs: { llm }, run: ({ llm }) => llm.«repply» });`,
    codes: ['TS2551'],
    says: "Did you mean 'reply'?",
  },
  {
    mistake: 'a forward reference, and so every circle',
    program: `export const bad = stage('bad', { needs: { «later» }, run: ({ later }) => later });\nconst later = stage('later', { needs: { text }, run: ({ text }) => text });`,
    codes: ['TS2448'],
  },
  {
    mistake: 'a missing input',
    program: `export const bad = chat.run(«{}»);`,
    codes: ['TS2741 or TS2345'],
    says: "Property 'text' is missing in type '{}' but required in type '{ readonly text: string; }'",
  },
  {
    mistake: 'a misspelt input',
    program: `export const bad = chat.run({ «txt»: '' });`,
    codes: ['TS2561'],
    says: "Did you mean to write 'text'?",
  },
  { mistake: 'an input of the wrong type', program: `export const bad = chat.run({ «text»: 1 });`, codes: ['TS2322'] },
  { mistake: 'an input that no stage reads', program: `export const bad = chat.run({ text: '', «userId»: '' });`, codes: ['TS2353'] },
  {
    mistake: 'an unknown option',
    program: `export const bad = stage('bad', { needs: { text }, «retries»: 3, run: () => 1 });`,
    codes: ['TS2353'],
  },
  // Outputs are readable at any status, as far as they exist: where the house's table has TS2339 at `outputs`, the error is one step further.
  {
    mistake: 'an output that is used before the status is checked',
    program: `export const bad = chat.run({ text: '' }).then((run) => «run.outputs.llm».reply);`,
    codes: ['TS18048'],
  },
  {
    mistake: 'a reason that is read before the status is checked',
    program: `export const bad = chat.run({ text: '' }).then((run) => run.«reason»);`,
    codes: ['TS2339'],
  },
];

const others: readonly Mistake[] = [
  {
    mistake: 'a misspelt option',
    program: `export const bad = stage('bad', { «timeout»: 3, run: () => 1 });`,
    codes: ['TS2561'],
    says: "Did you mean to write 'timeoutMs'?",
  },
  {
    mistake: 'a misspelt member of a policy',
    program: `export const bad = stage('bad', { retry: { «attempt»: 3 }, run: () => 1 });`,
    codes: ['TS2561'],
    says: "Did you mean to write 'attempts'?",
  },
  {
    mistake: 'a word that no policy knows',
    program: `export const bad = stage('bad', { retry: { «backoff»: 'expo' }, run: () => 1 });`,
    codes: ['TS2322'],
  },
  {
    mistake: 'a kind that has a constructor of its own',
    program: `export const bad = stage('bad', { «kind»: 'guard', run: () => 1 });`,
    codes: ['TS2322'],
  },
  {
    mistake: 'a plain value as a need',
    program: `export const bad = stage('bad', { needs: { «text»: 'hi' }, run: () => 1 });`,
    codes: ['TS2322'],
  },
  { mistake: 'a pipeline as a need', program: `export const bad = stage('bad', { needs: { «chat» }, run: () => 1 });`, codes: ['TS2741'] },
  { mistake: 'needs as a list', program: `export const bad = stage('bad', { «needs»: [text], run: () => 1 });`, codes: ['TS2322'] },
  {
    mistake: 'a stage without a function',
    program: `export const bad = stage('bad', «{» needs: { text } });`,
    codes: ['TS2741 or TS2345'],
    says: "Property 'run' is missing",
  },
  { mistake: 'a declared name that was not declared', program: `export const { «txet» } = inputs<{ text: string }>();`, codes: ['TS2339'] },
  {
    mistake: 'a skip that is not handled',
    program: `export const bad = stage('bad', { needs: { profile: optional(profile) }, run: ({ profile }) => «profile».name });`,
    codes: ['TS18048'],
  },
  {
    mistake: 'an outcome that is taken for a value',
    program: `export const bad = stage('bad', { needs: { llm: settled(llm) }, run: ({ llm }) => llm.«output» });`,
    codes: ['TS2339'],
  },
  { mistake: 'a modifier on an input, which cannot be skipped', program: `export const bad = optional(«text»);`, codes: ['TS2345'] },
  {
    mistake: 'an arm the route does not have',
    program: `export const bad = stage('bad', { when: intent.is(«'ordr'»), run: () => 1 });`,
    codes: ['TS2345'],
    says: `'"order" | "question"'`,
  },
  {
    mistake: 'a route in place of its condition',
    program: `export const bad = stage('bad', { «when»: intent, run: () => 1 });`,
    codes: ['TS2322'],
  },
  {
    mistake: 'a predicate that answers later',
    program: `export const bad = stage('bad', { needs: { text }, «when»: async ({ text }) => text === '', run: () => 1 });`,
    codes: ['TS2322'],
  },
  {
    mistake: 'a route that returns no name',
    program: `export const bad = route('bad', { needs: { text }, run: ({ text }) => «text.length» });`,
    codes: ['TS2322'],
  },
  {
    mistake: 'a guard that answers yes or no',
    program: `export const bad = guard('bad', { subject: text, check: ({ subject }) => «subject === ''» });`,
    codes: ['TS2322'],
  },
  {
    mistake: 'a guard that may answer nothing',
    program: `export const bad = guard('bad', { subject: text, check: ({ subject }) => «subject === '' ? pass() : undefined» });`,
    codes: ['TS2322'],
  },
  {
    mistake: 'a guard without a subject',
    program: `export const bad = guard('bad', «{» check: () => pass() });`,
    codes: ['TS2741 or TS2345'],
    says: "Property 'subject' is missing",
  },
  {
    mistake: 'a guard with a second subject',
    program: `export const bad = guard('bad', { subject: text, needs: { «subject»: llm }, check: () => pass() });`,
    codes: ['TS2322'],
  },
  {
    mistake: 'one stage in place of a record of outputs',
    program: `export const bad = pipeline('bad', { «outputs»: llm });`,
    codes: ['TS2322'],
  },
  {
    mistake: 'one stage in place of a list after which to run',
    program: `export const bad = stage('bad', { «after»: llm, run: () => 1 });`,
    codes: ['TS2740'],
  },
  {
    mistake: 'services that were not given',
    program: `export const bad = pipeline('bad', { outputs: { asked: stage('asked', { needs: { model }, run: () => 1 }) } }).«run»({});`,
    codes: ['TS2554'],
  },
  {
    mistake: 'a misspelt service',
    program: `export const bad = pipeline('bad', { outputs: { asked: stage('asked', { needs: { model }, run: () => 1 }) } }).run({}, { services: { «modle»: null } });`,
    codes: ['TS2561'],
    says: "Did you mean to write 'model'?",
  },
  {
    mistake: 'a runtime without the services of its pipelines',
    program: `const asked = pipeline('asked', { outputs: { asked: stage('asked', { needs: { model }, run: () => 1 }) } });\nexport const bad = createRuntime({ pipelines: [asked], «services»: {} });`,
    codes: ['TS2741'],
  },
  { mistake: 'a stand-in that yields something else', program: `export const bad = chat.with(llm, «() => 1»);`, codes: ['TS2345'] },
  { mistake: 'a value in place of a stand-in', program: `export const bad = chat.with(llm, { «reply»: '' });`, codes: ['TS2353'] },
  {
    mistake: 'a misspelt policy in configure',
    program: `export const bad = chat.configure({ llm: { «timeout»: 3 } });`,
    codes: ['TS2561'],
    says: "Did you mean to write 'timeoutMs'?",
  },
  {
    mistake: 'a key that is no string',
    program: `export const bad = work('bad', { needs: { text }, «idempotencyKey»: ({ text }) => text.length, run: () => 1 });`,
    codes: ['TS2322'],
  },
];

const right = `export const good = stage('good', { needs: { llm, profile: optional(profile) }, when: intent.is('order'), retry: { attempts: 2 }, run: ({ llm, profile }) => [llm.reply, profile?.name] });
export const ran = chat.run({ text: '' }).then((run) => (run.status === 'completed' ? run.outputs.llm.reply : run.outputs.llm?.reply));
`;

let consumer: Consumer;
const compiled = new Map<CompilerVersion, Compilation>();
const mistakes = [...table, ...others];

beforeAll(async () => {
  consumer = await Consumer.create();
  consumer.write('right.ts', prelude + right);
  for (const [index, { program }] of mistakes.entries()) consumer.write(`mistake-${index}.ts`, prelude + program.replaceAll(/[«»]/g, ''));
  const files = ['right.ts', ...mistakes.map((_, index) => `mistake-${index}.ts`)];
  for (const version of compilerVersions) compiled.set(version, await consumer.compile(files, { version }));
}, 120_000);

afterAll(() => consumer.remove());

describe.each(compilerVersions)('TypeScript %s', (version) => {
  test('the same program without a mistake compiles', () => {
    expect(found(version, 'right.ts')).toEqual([]);
  });

  test.each(mistakes.map((mistake, index) => ({ ...mistake, index })))(
    '$mistake: the error is at the place of the mistake',
    ({ program, codes, says, index }) => {
      const errors = found(version, `mistake-${index}.ts`);
      const first = errors.filter(
        ({ line, column }, at) => errors.findIndex((other) => other.line === line && other.column === column) === at,
      );
      expect(first.map(({ line, column }) => `${line}:${column}`)).toEqual(places(program));
      expect(first.map(({ code }, at) => (codes[at]?.split(' or ').includes(code) ? codes[at] : code))).toEqual(codes);
      if (says !== undefined) expect(errors[0]?.message).toContain(says);
    },
  );
});

function found(version: CompilerVersion, file: string): Compilation['diagnostics'] {
  return compiled.get(version)?.diagnostics.filter((diagnostic) => diagnostic.file === file) ?? [];
}

/** The marked places, as line:column of the program that is compiled. */
function places(program: string): string[] {
  const lines = prelude.split('\n').length - 1;
  return program
    .split('\n')
    .flatMap((line, index) => [...line.matchAll(/«/g)].map((mark, before) => `${lines + index + 1}:${mark.index - 2 * before + 1}`));
}
