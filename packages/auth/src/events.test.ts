import { authLogin } from '@stageflow/auth';
import { pipeline, stage } from '@stageflow/core';
import { expect, test } from 'vitest';

test('the payload of an event of this package is checked like any other', async () => {
  const emit = (payload: object) => {
    const it = stage('it', { run: (_, context) => context.emit(authLogin, payload as never) });
    return pipeline('p', { outputs: { it } }).run({});
  };
  expect((await emit({ userId: 'ada' })).status).toBe('completed');
  for (const payload of [{}, { userId: 7 }, { userId: 'ada', tenantId: 7 }])
    expect(await emit(payload)).toMatchObject({ status: 'failed', error: { cause: { code: 'SF_EVENT_INVALID' } } });
});
