import { describe, expect, test } from 'vitest';
import { renderDocstring, summaryOf } from './docstring.mjs';

const nowhere = () => undefined;

describe('renderDocstring()', () => {
  test('links what {@link} names, with a text of its own where it has one', () => {
    const resolve = (target: string) => `/api/${target}`;
    expect(renderDocstring('See {@link retry}, or {@link Run.status | its status}.', resolve)).toBe(
      'See [`retry`](/api/retry), or [`its status`](/api/Run.status).',
    );
  });

  test('reports a link that leads nowhere, and leaves it as code', () => {
    const unresolved: string[] = [];
    expect(renderDocstring('See {@link gone}.', nowhere, (target) => unresolved.push(target))).toBe('See `gone`.');
    expect(unresolved).toEqual(['gone']);
  });

  test('leaves what is in view as code, and reports nothing', () => {
    expect(
      renderDocstring(
        'See {@link here}.',
        () => '',
        () => expect.unreachable(),
      ),
    ).toBe('See `here`.');
  });

  test('puts parameters into a list, tags after the text, examples last', () => {
    const docstring = ['Waits.', '', '@param ms - How long.', '@example', '```ts', '@decorated', '```', '@throws SF_STAGE_TIMEOUT'].join(
      '\n',
    );
    expect(renderDocstring(docstring, nowhere)).toBe(
      'Waits.\n\n- `ms`: How long.\n\n**Throws:** SF_STAGE_TIMEOUT\n\n**Example**\n\n```ts\n@decorated\n```',
    );
  });

  test('takes a default from the line it stands on', () => {
    expect(renderDocstring('How many. @default 3', nowhere)).toBe('How many.\n\n**Default:** `3`');
  });
});

describe('summaryOf()', () => {
  test('is the first sentence, in one line, without tags', () => {
    expect(summaryOf('Makes a {@link Stage}\nof a function. It is lazy.\n\n@returns It.')).toBe('Makes a `Stage` of a function.');
  });

  test('does not end at a point within a word', () => {
    expect(summaryOf('Takes 0.5 of it. Then more.')).toBe('Takes 0.5 of it.');
  });
});
