import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openDesk } from './desk.ts';
import { startDesk } from './desk-process.ts';

/** For machines that have much to do. */
const patience = { timeout: 10_000 };
const expense = { who: 'Ada', what: 'a chair', amount: 250 };

function newFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'desk-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'desk.sqlite');
}

/** A desk in this process. */
async function newDesk(file: string = newFile()): Promise<string> {
  const desk = await openDesk(file, 0);
  onTestFinished(() => desk.close());
  return desk.url;
}

/** A desk in a process of its own, which is ended where the test has not done that. */
async function newProcess(file: string) {
  const desk = await startDesk(file);
  onTestFinished(async () => void (await desk.end('SIGKILL')));
  return desk;
}

interface Answered {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

async function send(url: string, method: string, body?: string, type = 'application/json'): Promise<Answered> {
  const response = await fetch(url, { method, ...(body === undefined ? {} : { body, headers: { 'content-type': type } }) });
  return { status: response.status, body: (await response.json()) as Answered['body'] };
}

const get = (url: string) => send(url, 'GET');
const post = (url: string, body: unknown) => send(url, 'POST', JSON.stringify(body));

/** The run id of an expense that waits. */
async function request(url: string): Promise<string> {
  const { status, body } = await post(`${url}/requests`, expense);
  expect({ status, body }).toEqual({ status: 201, body: { runId: expect.any(String), status: 'suspended' } });
  return String(body['runId']);
}

describe('a desk', { timeout: 30_000 }, () => {
  test.each([
    [true, 'paid 250 to Ada'],
    [false, 'Ada was not paid'],
  ])('lists what waits, takes a decision, and has the result: approved %s', async (approved, result) => {
    const url = await newDesk();
    const runId = await request(url);
    expect(await get(`${url}/requests/${runId}`)).toEqual({ status: 200, body: { runId, status: 'suspended' } });
    const waiting = { runId, request: { question: 'Pay 250 to Ada for a chair?' }, since: expect.any(String) };
    expect(await get(`${url}/waits`)).toEqual({ status: 200, body: [waiting] });
    expect(await post(`${url}/requests/${runId}/decision`, { approved })).toEqual({ status: 202, body: { runId, decision: { approved } } });
    await expect
      .poll(() => get(`${url}/requests/${runId}`), patience)
      .toEqual({ status: 200, body: { runId, status: 'completed', result } });
    expect((await get(`${url}/waits`)).body).toEqual([]);
  });

  test('takes one of many decisions that come at once, and answers the others with 409', async () => {
    const url = await newDesk();
    const runId = await request(url);
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, at) => post(`${url}/requests/${runId}/decision`, { approved: at === 0 })),
    );
    const taken = answers.filter(({ status }) => status === 202);
    const refused = answers.filter(({ status, body }) => status === 409 && body['code'] === 'SF_WAIT_CLOSED');
    expect([taken.length, refused.length]).toEqual([1, 9]);
    const isApproved = answers[0]?.status === 202;
    const result = isApproved ? 'paid 250 to Ada' : 'Ada was not paid';
    await expect.poll(() => get(`${url}/requests/${runId}`), patience).toMatchObject({ body: { status: 'completed', result } });
    expect((await post(`${url}/requests/${runId}/decision`, { approved: true })).status).toBe(409);
  });

  test('keeps a request open when a decision is refused', async () => {
    const url = await newDesk();
    const runId = await request(url);
    for (const wrong of [{ approved: 'perhaps' }, {}, [], null, { approved: true, amount: 1_000_000 }])
      expect(await post(`${url}/requests/${runId}/decision`, wrong)).toMatchObject({ status: 400, body: { code: 'SF_ANSWER_INVALID' } });
    expect((await post(`${url}/requests/${runId}/decision`, { approved: true })).status).toBe(202);
  });
});

describe('what a desk cannot do', () => {
  test.each([
    ['an amount that is no number', { ...expense, amount: 'a lot' }, 'amount'],
    ['an amount below zero', { ...expense, amount: -1 }, 'amount'],
    ['a member that nobody knows', { ...expense, bonus: 5 }, 'bonus'],
    ['a list', [expense], 'an array'],
    ['nothing', null, 'null'],
  ])('is an expense with %s: 400, and nothing is begun', async (_, body, named) => {
    const url = await newDesk();
    const answered = await post(`${url}/requests`, body);
    expect(answered).toMatchObject({ status: 400, body: { code: 'SF_INPUT_INVALID', message: expect.stringContaining(named) } });
    expect((await get(`${url}/waits`)).body).toEqual([]);
  });

  test.each([
    ['a run that nobody began', 'GET', '/requests/none', undefined, 404, 'SF_RUN_UNKNOWN'],
    ['a decision about it', 'POST', '/requests/none/decision', '{"approved":true}', 404, 'SF_RUN_UNKNOWN'],
    ['another place', 'GET', '/', undefined, 404, 'DESK_REQUEST_REFUSED'],
    ['a place that is no path', 'GET', '//', undefined, 404, 'DESK_REQUEST_REFUSED'],
    ['another method', 'DELETE', '/waits', undefined, 405, 'DESK_REQUEST_REFUSED'],
    ['a body that is not JSON', 'POST', '/requests', '{', 400, 'DESK_REQUEST_REFUSED'],
    ['a body that is too large', 'POST', '/requests', `"${'x'.repeat(1_000_000)}"`, 413, 'DESK_REQUEST_REFUSED'],
  ])('is %s: %s %s', async (_, method, path, body, status, code) => {
    const url = await newDesk();
    expect(await send(url + path, method, body)).toEqual({ status, body: { code, message: expect.any(String), hint: expect.any(String) } });
    await request(url);
  });

  test('is a body that a page of another origin may send', async () => {
    const url = await newDesk();
    const answered = await send(`${url}/requests`, 'POST', JSON.stringify(expense), 'text/plain');
    expect(answered).toMatchObject({ status: 415, body: { code: 'DESK_REQUEST_REFUSED' } });
  });
});

describe('a desk that is killed', () => {
  test('is followed by one that has the request, and by one that has the decision and goes on with it', { timeout: 30_000 }, async () => {
    const file = newFile();
    const first = await newProcess(file);
    const runId = await request(first.url);
    expect(await first.end('SIGKILL')).toBe('SIGKILL');

    const second = await newProcess(file);
    expect((await get(`${second.url}/waits`)).body).toMatchObject([{ runId }]);
    expect((await post(`${second.url}/requests/${runId}/decision`, { approved: true })).status).toBe(202);
    expect(await second.end('SIGKILL')).toBe('SIGKILL');

    const third = await newProcess(file);
    expect((await post(`${third.url}/requests/${runId}/decision`, { approved: false })).status).toBe(409);
    await expect
      .poll(() => get(`${third.url}/requests/${runId}`), patience)
      .toMatchObject({ body: { status: 'completed', result: 'paid 250 to Ada' } });
    expect(await third.end('SIGTERM')).toBe(0);
  });
});

test('the whole example runs', { timeout: 30_000 }, () => {
  const main = fileURLToPath(new URL('main.ts', import.meta.url));
  const printed = execFileSync(process.execPath, ['--no-warnings', '--conditions=@stageflow/source', main], { encoding: 'utf8' });
  expect(printed).toContain('POST /requests: 400 {"code":"SF_INPUT_INVALID"');
  expect(printed).toContain('-- the desk ended with SIGKILL; another one opens');
  expect(printed).toMatch(/decision: 202 .*\n.*decision: 409 \{"code":"SF_WAIT_CLOSED"/);
  expect(printed.trimEnd()).toMatch(/"status":"completed","result":"paid 250 to Ada"\}$/);
});
