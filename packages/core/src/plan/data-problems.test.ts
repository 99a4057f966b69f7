import { describe, expect, test } from 'vitest';
import { dataProblems } from './data-problems.ts';

const run = (): number => 1;
const whole = { name: 'p', stages: [{ name: 'a', run }], outputs: { a: 'a' }, also: ['a'] };
const messages = (spec: unknown): string[] => dataProblems(spec).map(({ code, message }) => `${code}: ${message}`);
const must = (option: string, subject: string, expected: string, received: string): string =>
  `SF_POLICY_INVALID: Option "${option}" of ${subject} must be ${expected}, received ${received}.`;

describe('data that can be read as a pipeline', () => {
  test.each<[string, object]>([
    ['whole', {}],
    ['without outputs and also', { outputs: undefined, also: undefined }],
    ['as JSON writes what is absent', { outputs: null, also: null, stages: [{ name: 'a', needs: null, run }] }],
    ['with everything a stage can have', { stages: [{ name: 'a', needs: {}, after: [], when: { route: 'r', is: ['x', 'y'] }, run }] }],
    ['with a predicate', { stages: [{ name: 'a', when: () => true, run }] }],
  ])('has no problem: %s', (_, given) => {
    expect(messages({ ...whole, ...given })).toEqual([]);
  });
});

describe('data that cannot', () => {
  test.each<[string, unknown, string]>([
    ['null', null, 'null'],
    ['undefined', undefined, 'undefined'],
    ['a string', 'p', 'the string "p"'],
    ['a list', [whole], 'an array of 1'],
  ])('is told from an object: %s', (_, spec, received) => {
    expect(messages(spec)).toEqual([must('spec', 'definePipeline()', 'an object', received)]);
  });

  test.each<[string, object, string]>([
    ['name', { name: 7 }, must('name', 'the pipeline', 'a string', 'the number 7')],
    ['outputs', { outputs: ['a'] }, must('outputs', 'pipeline "p"', 'an object of sources by key', 'an array of 1')],
    ['outputs', { outputs: 'a' }, must('outputs', 'pipeline "p"', 'an object of sources by key', 'the string "a"')],
    ['also', { also: 'a' }, must('also', 'pipeline "p"', 'a list of stage names', 'the string "a"')],
    ['stages', { stages: {} }, must('stages', 'pipeline "p"', 'a list of stages', 'an object without keys')],
    ['stages', { stages: undefined }, must('stages', 'pipeline "p"', 'a list of stages', 'undefined')],
    ['a stage', { stages: ['a'] }, must('stages[0]', 'the pipeline', 'an object', 'the string "a"')],
  ])('says where it is wrong: %s', (_, given, expected) => {
    expect(messages({ ...whole, ...given })).toEqual([expected]);
  });

  test.each<[string, object, string]>([
    ['name', { name: undefined }, must('name', 'stages[0]', 'a string', 'undefined')],
    ['needs', { needs: ['b'] }, must('needs', 'stage "a"', 'an object of sources by key', 'an array of 1')],
    ['needs', { needs: 'b' }, must('needs', 'stage "a"', 'an object of sources by key', 'the string "b"')],
    ['after', { after: 'b' }, must('after', 'stage "a"', 'a list of stage names', 'the string "b"')],
  ])('says where a stage is wrong: %s', (_, given, expected) => {
    expect(messages({ ...whole, stages: [{ name: 'a', run, ...given }] })).toEqual([expected]);
  });

  test.each<[string, unknown]>([
    ['a name alone', 'r'],
    ['null', null],
    ['a list', ['r', 'x']],
    ['no route', { is: ['x'] }],
    ['a route that is no name', { route: 7, is: ['x'] }],
    ['no arms', { route: 'r' }],
    ['arms that are no list', { route: 'r', is: 'x' }],
    ['an empty list of arms', { route: 'r', is: [] }],
    ['an arm that is no string', { route: 'r', is: ['x', 7] }],
  ])('says where the condition of a stage is wrong: %s', (_, when) => {
    const [message, ...others] = messages({ ...whole, stages: [{ name: 'a', when, run }] });
    expect(message).toContain(
      must('when', 'stage "a"', 'a function, or the name of a route with the list of arms under "is"', '').slice(0, -2),
    );
    expect(others).toEqual([]);
  });

  test('says all of it at once', () => {
    const stages = [7, { name: 1, needs: 'b', after: 'c' }];
    const options = dataProblems({ name: 1, outputs: 2, also: 3, stages }).map(({ message }) =>
      /"(.+?)" of (.+?) must/.exec(message)?.slice(1),
    );
    expect(options).toEqual([
      ['name', 'the pipeline'],
      ['outputs', 'the pipeline'],
      ['also', 'the pipeline'],
      ['stages[0]', 'the pipeline'],
      ['name', 'stages[1]'],
      ['needs', 'stages[1]'],
      ['after', 'stages[1]'],
    ]);
  });
});
