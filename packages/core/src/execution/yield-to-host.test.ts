import { expect, test } from 'vitest';
import { yieldToHost } from './yield-to-host.ts';

test('the callback comes after what the caller and promises do', async () => {
  const story: string[] = [];
  await new Promise<void>((resolve) => {
    yieldToHost(() => {
      story.push('callback');
      resolve();
    });
    void Promise.resolve()
      .then(() => Promise.resolve())
      .then(() => story.push('promises'));
    story.push('caller');
  });
  expect(story).toEqual(['caller', 'promises', 'callback']);
});

test('nothing is left open that would keep a process from its end', async () => {
  const openPorts = (): number => process.getActiveResourcesInfo().filter((resource) => resource === 'MessagePort').length;
  const before = openPorts();
  let meanwhile = before;
  for (let turn = 0; turn < 3; turn++) {
    await new Promise<void>((resolve) => {
      yieldToHost(resolve);
      meanwhile = openPorts();
    });
  }
  await new Promise((resolve) => setImmediate(resolve));
  expect(meanwhile).toBeGreaterThan(before);
  expect(openPorts()).toBe(before);
});
