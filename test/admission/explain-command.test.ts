/** `npm run explain` at a terminal, and what it says of decisions that are not what they were (R5). */

import { execFile } from 'node:child_process';
import path from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { explainDecision } from '../../shared/admission/explain.ts';
import { policy } from '../../shared/admission/policy.ts';
import { json } from '../../shared/platform/db.ts';
import { testApi } from '../setup/api.ts';
import { withDatabase } from '../setup/database.ts';
import { sceneOf, startAgain } from './scene.ts';

const db = withDatabase();
const api = testApi(() => db.app);
const scene = sceneOf(api);
const long = { leaseSeconds: 3600 };

/** n1 preempts v1, and v2 takes the quota that v3, behind it in the line, had taken. */
beforeAll(async () => {
  await startAgain(db.admin, api);
  await scene.setPool(4);
  await scene.setQuotas('n', {});
  await scene.setQuotas('v', { cpu: { limit: 4, burstShare: 0 } });
  await scene.ask('v', 'v1', { cpu: 4, ...long });
  await scene.ask('v', 'refused', { cpu: 1 });
  api.advance(61);
  await scene.askAs('P1', 'n', 'n1', { cpu: 4 });
  await scene.checkpoint('v', 'v1', 1, 1);
  await scene.claim('n', 'n1', long);
  await scene.askAs('P0', 'v', 'v2', { cpu: 4, onQuota: 'wait' });
  await scene.complete('n', 'n1', 1);
});

async function idOf(kind: string, taskId: string): Promise<string> {
  const [row] = await db.admin.query<{ id: string }>(
    `select decision_id as id from decisions where kind = $1 and task_id = $2 and decision_id like 'dec%'`,
    [kind, taskId],
  );
  if (row === undefined) throw new Error(`no ${kind} of ${taskId}`);
  return row.id;
}

/** A copy of a stored decision, changed by a hand in the database. */
async function tampered(kind: string, taskId: string, column: string, change: string): Promise<string> {
  const id = await idOf(kind, taskId);
  const copy = `copy_${Math.random().toString(36).slice(2)}`;
  await db.admin.query(
    `insert into decisions
     select $2, kind, tenant_id, run_id, task_id, result, policy_version, inputs, counters, answer, at, plan_id
     from decisions where decision_id = $1`,
    [id, copy],
  );
  await db.admin.query(`update decisions set ${column} = ${change} where decision_id = $1`, [copy]);
  return copy;
}

describe('a decision that was changed since is reported', () => {
  test.each([
    [
      'the facts of an admission',
      'admit',
      'refused',
      'counters',
      `jsonb_set(counters, '{tenant,cpuHeld}', '1')`,
    ],
    ['what an admission was asked', 'admit', 'refused', 'inputs', `jsonb_set(inputs, '{onQuota}', '"wait"')`],
    [
      'the figures of a refusal',
      'admit',
      'refused',
      'answer',
      `jsonb_set(answer, '{reasons,0,held}', '4.000000001')`,
    ],
    ['the result of a refusal', 'admit', 'refused', 'result', `'admitted'`],
    [
      'the reasons of an admission',
      'admit',
      'v1',
      'answer',
      `answer || '{"reasons": [{"code": "throttled"}]}'`,
    ],
    ['whom a grant displaced', 'grant', 'v2', 'answer', `answer || '{"displaced": ["v9"]}'`],
    ['the task of a grant', 'grant', 'v2', 'task_id', `'v1'`],
    ['the version of the pool that a grant rests on', 'grant', 'n1', 'counters', `'{"poolVersion": 1}'`],
    [
      'the victims of a preemption',
      'preempt',
      'n1',
      'answer',
      `jsonb_set(answer, '{victims,0,epoch}', '"7"')`,
    ],
    ['the reason of a preemption', 'preempt', 'n1', 'inputs', `inputs || '{"reason": "reclaim_burst"}'`],
    ['the time of a preemption', 'preempt', 'n1', 'at', `at - interval '2 s'`],
  ])('%s', async (_what, kind, taskId, column, change) => {
    expect(await explainDecision(db.app, await idOf(kind, taskId))).toMatchObject({ same: true });
    expect(await explainDecision(db.app, await tampered(kind, taskId, column, change))).toMatchObject({
      same: false,
    });
  });

  test('and so is one whose plan was', async () => {
    const id = await tampered('preempt', 'n1', 'answer', 'answer');
    await db.admin.query(
      `insert into plans select plan_id || '_changed', policy_version, jsonb_set(snapshot, '{running,0,class}', '1'), at
       from plans where plan_id = (select plan_id from decisions where decision_id = $1)`,
      [id],
    );
    await db.admin.query(`update decisions set plan_id = plan_id || '_changed' where decision_id = $1`, [id]);
    expect(await explainDecision(db.app, id)).toMatchObject({ same: false, again: null });
  });
});

describe('the policy is that of the time', () => {
  test('what is in the code now does not matter: a request judged without burst stays refused', async () => {
    await scene.setQuotas('old', { cpu: { limit: 4 } });
    await scene.setPool(100);
    const [seen] = await db.admin.query<{ inputs: object }>(
      'select inputs from decisions where decision_id = $1',
      [await idOf('admit', 'v1')],
    );
    const request = (taskId: string, cpu: number) => ({
      ...seen?.inputs,
      ...{
        tenantId: 'old',
        runId: taskId,
        taskId,
        cpu,
        decisionId: `dec_${taskId}`,
        violationId: `viol_${taskId}`,
      },
      ...{ requestHash: taskId, requestKeys: [`task:${taskId}`] },
    });
    const older = { ...policy, version: 'older', burst_share: 0 };
    for (const [taskId, cpu] of [
      ['o1', 4],
      ['o2', 1],
    ] as const) {
      await db.app.query('select admit_task($1, $2, $3)', [
        json(request(taskId, cpu)),
        json(older),
        api.now(),
      ]);
    }
    expect(await explainDecision(db.app, 'dec_o2')).toMatchObject({
      same: true,
      again: { decision: 'refused', reasons: [{ code: 'quota_exceeded', burst: 0 }] },
    });
  });

  test('a plan is made again with the numbers of its version', async () => {
    const id = await tampered('preempt', 'n1', 'answer', 'answer');
    await db.admin.query(
      `insert into policies select 'patient', numbers || '{"min_run_seconds": 62}', first_used_at
       from policies where version = $1`,
      [policy.version],
    );
    await db.admin.query(`update decisions set policy_version = 'patient' where decision_id = $1`, [id]);
    expect(await explainDecision(db.app, id)).toMatchObject({ same: false, again: null });
  });

  test('without its numbers nothing can be made again, and that is said', async () => {
    const id = await tampered('grant', 'v2', 'policy_version', `'lost'`);
    expect(await explainDecision(db.app, id)).toMatchObject({
      same: false,
      basis: { kind: 'none', why: expect.stringContaining('policy lost') },
    });
  });
});

function run(args: readonly string[], databaseUrl = db.adminUrl) {
  const command = path.join(import.meta.dirname, '../../commands/explain.ts');
  const env = { ...process.env, NODE_OPTIONS: '', DATABASE_URL: databaseUrl };
  return new Promise<{ code: number; out: string; err: string }>((resolve) => {
    execFile(process.execPath, [command, ...args], { env }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

describe('the command', () => {
  test('explains in words or as JSON, and ends with 1 when the decision is not the same', async () => {
    const id = await idOf('preempt', 'n1');
    const changed = await tampered(
      'preempt',
      'n1',
      'answer',
      `jsonb_set(answer, '{victims,0,taskId}', '"v8"')`,
    );
    const [words, document, differs] = await Promise.all([run([id]), run([id, '--json']), run([changed])]);
    expect(words).toMatchObject({ code: 0, err: '' });
    expect(words.out).toContain('  1. v/v1 (P3, 4 vCPU, 1 GB, 1 slot): has to leave\n');
    expect(document.code).toBe(0);
    expect(JSON.parse(document.out)).toMatchObject({
      decision: { decisionId: id, kind: 'preempt', taskId: 'n1' },
      again: { reason: 'priority', victims: [{ tenantId: 'v', taskId: 'v1', epoch: '1' }] },
      same: true,
      words: words.out.trimEnd().split('\n'),
    });
    expect(differs).toMatchObject({ code: 1, out: expect.stringContaining('NOT the same'), err: '' });
  });

  test("lists a run's decisions, with those of others that made it leave or give up quota", async () => {
    const ofRun = async (runId: string) => {
      const { code, out } = await run([runId, '--json']);
      const { decisions } = JSON.parse(out) as {
        decisions: { kind: string; taskId: string; decisionId: string }[];
      };
      const own = decisions.filter(({ decisionId }) => decisionId.startsWith('dec_'));
      return { code, decisions: own.map(({ kind, taskId }) => `${kind} ${taskId}`) };
    };
    expect(await ofRun('v1')).toEqual({ code: 0, decisions: ['admit v1', 'preempt n1', 'preempt v2'] });
    expect(await ofRun('refused')).toEqual({ code: 0, decisions: ['admit refused'] });
    expect((await run(['refused'])).out).toMatch(
      /^dec_\S+: admit, refused; task refused of tenant v, at 2026/m,
    );
  });

  test('an id of nothing, none, two, an unknown option, a database that does not answer: 1 and a reason', async () => {
    const [unknown, none, two, option, unreachable, help] = await Promise.all([
      run(['dec_none']),
      run([]),
      run(['a', 'b']),
      run(['--fix', 'a']),
      run(['a'], 'postgres://nobody@127.0.0.1:9/none'),
      run(['--help']),
    ]);
    expect(unknown).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('dec_none: no decision'),
    });
    expect(none).toMatchObject({ code: 1, out: '', err: expect.stringContaining('One id') });
    expect(two).toMatchObject({ code: 1, out: '', err: expect.stringContaining('not 2') });
    expect(option).toMatchObject({ code: 1, out: '', err: expect.stringContaining('--fix') });
    expect(unreachable).toMatchObject({ code: 1, out: '', err: expect.stringContaining('127.0.0.1:9') });
    expect(help).toMatchObject({ code: 0, out: expect.stringMatching(/^Usage: npm run explain/), err: '' });
  });
});
