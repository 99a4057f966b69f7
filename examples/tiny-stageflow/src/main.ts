import { input, optional, pipeline, skip, stage } from './tiny-stageflow.ts';

const given = input<{ name: string }>();
const name = given('name');

const title = stage('title', { needs: { name }, run: ({ name }) => (name === 'Ada' ? 'Countess' : skip('no title')) });
const greet = stage('greet', {
  needs: { name, title: optional(title) },
  run: ({ name, title }) => `Hello, ${title === undefined ? name : `${title} ${name}`}`,
});
const shout = stage('shout', { needs: { greet }, run: ({ greet }) => `${greet.toUpperCase()}!` });

const welcome = pipeline({ shout, title });

for (const name of ['Ada', 'Bob']) console.log(await welcome.run({ name }));
