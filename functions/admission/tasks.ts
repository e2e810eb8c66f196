import {
  checkpointAnswerOf,
  heartbeatAnswerOf,
  type KnownTask,
  taskOf,
} from '../../shared/admission/answers.ts';
import {
  checkpointRequest,
  claimRequest,
  claimsRequest,
  completeRequest,
  heartbeatRequest,
  preemptRequest,
  tenantQuery,
} from '../../shared/admission/contract.ts';
import { classNumber } from '../../shared/admission/priority.ts';
import type { TaskAnswer } from '../../shared/admission/rows.ts';
import { readRun, readTask } from '../../shared/admission/run-reads.ts';
import { schedule } from '../../shared/admission/scheduler.ts';
import {
  cancelTask,
  claimTask,
  claimTasks,
  completeTask,
  heartbeatTask,
  preemptTask,
  resumeTask,
  saveCheckpoint,
} from '../../shared/admission/store.ts';
import { tenantOfId } from '../../shared/admission/tenant.ts';
import { sha256Hex } from '../../shared/platform/hash.ts';
import { actingTenant, type Call, type Reply, route } from '../../shared/platform/http.ts';
import { newId } from '../../shared/platform/ids.ts';
import { badRequest, conflict, notFound, paymentRequired } from '../../shared/platform/problem.ts';

/** How soon to ask for work again when there is none. */
const pollAfterEmpty_ms = 2000;

type TaskCall = Pick<
  Call<unknown, { tenantId?: string | undefined }>,
  'database' | 'caller' | 'params' | 'query'
>;

async function addressed({
  database,
  caller,
  params,
  query,
}: TaskCall): Promise<{ tenantId: string; taskId: string }> {
  const taskId = params.taskId ?? '';
  return { taskId, tenantId: await tenantOfId(database, caller, 'task', taskId, query.tenantId) };
}

/** @throws Problem 404 */
function known<Kind extends string>(answer: TaskAnswer<Kind>, taskId: string): KnownTask<Kind> {
  if (answer.kind === 'not_found') throw notFound(`Task ${taskId}`);
  return answer as KnownTask<Kind>;
}

function staleEpoch(answer: KnownTask): Error {
  return conflict(
    'stale_epoch',
    `The lease of this epoch has ended: the task is ${answer.task.state} at epoch ${answer.task.epoch}. Stop the work; costs may still be reported.`,
    { extra: { state: answer.task.state, epoch: answer.task.epoch } },
  );
}

/** GET /v1/tasks/{taskId} */
export const getTask = route({
  query: tenantQuery,
  handle: async (call) => {
    const { tenantId, taskId } = await addressed(call);
    const task = await readTask(call.database, tenantId, taskId, call.now);
    if (task === null) throw notFound(`Task ${taskId}`);
    return { status: 200, body: task };
  },
});

/** POST /v1/tasks/{taskId}/claim */
export const claim = route({
  body: claimRequest,
  query: tenantQuery,
  handle: async (call) => {
    const { tenantId, taskId } = await addressed(call);
    const answer = known(
      await claimTask(call.database, tenantId, taskId, call.body.leaseSeconds ?? null, call.now),
      taskId,
    );
    if (answer.kind === 'not_granted') {
      throw conflict('not_granted', `The task is ${answer.task.state}; only a granted task can be claimed.`, {
        extra: { state: answer.task.state },
      });
    }
    return { status: 200, body: taskOf(answer.task, null, answer.checkpoint) };
  },
});

/** POST /v1/claims */
export const claims = route({
  body: claimsRequest,
  handle: async ({ database, caller, body, now }) => {
    const tenantId = caller.tenantId === null ? (body.tenantId ?? null) : actingTenant(caller, body.tenantId);
    const claimed = await claimTasks(
      database,
      {
        tenantId,
        classes: body.classes?.map(classNumber) ?? null,
        max: body.max,
        leaseSeconds: body.leaseSeconds ?? null,
      },
      now,
    );
    const tasks = claimed.flatMap((answer) =>
      answer.kind === 'not_found' ? [] : [taskOf(answer.task, null, answer.checkpoint)],
    );
    return { status: 200, body: { tasks, pollAfterMs: tasks.length < body.max ? pollAfterEmpty_ms : 0 } };
  },
});

/** POST /v1/tasks/{taskId}/heartbeat */
export const heartbeat = route({
  body: heartbeatRequest,
  query: tenantQuery,
  handle: async (call) => {
    const { tenantId, taskId } = await addressed(call);
    const answer = known(
      await heartbeatTask(call.database, tenantId, taskId, call.body.epoch, call.now),
      taskId,
    );
    if (answer.kind === 'stale_epoch') throw staleEpoch(answer);
    return { status: 200, body: heartbeatAnswerOf(answer, call.now) };
  },
});

/** POST /v1/tasks/{taskId}/checkpoints */
export const checkpoint = route({
  body: checkpointRequest,
  query: tenantQuery,
  maxBodyBytes: 400 * 1024,
  handle: async (call) => {
    const { tenantId, taskId } = await addressed(call);
    const { epoch, sequence, data, location } = call.body;
    const { sizeBytes, sha256 } = measured(call.body);
    const saved = await saveCheckpoint(
      call.database,
      tenantId,
      taskId,
      { checkpointId: newId('chk'), epoch, sequence, data, location, sizeBytes, sha256 },
      call.now,
    );
    const answer = known(saved, taskId);
    if (answer.kind === 'stale_epoch') throw staleEpoch(answer);
    if (answer.kind === 'sequence_conflict') {
      throw conflict(
        'sequence_conflict',
        `The last checkpoint has sequence ${answer.task.checkpoint_sequence}; the next must be higher.`,
        { extra: { sequence: answer.task.checkpoint_sequence } },
      );
    }
    if (saved.left === true) await schedule(call.database, call.now);
    return { status: 201, body: checkpointAnswerOf(answer, saved.checkpointId ?? '', sequence, call.now) };
  },
});

/**
 * Size and hash of inline data are of its JSON text as we store it; what the caller states must agree. Those of data
 * elsewhere are the caller's word.
 */
function measured(body: {
  data?: unknown;
  location?: string | undefined;
  sizeBytes?: number | undefined;
  sha256?: string | undefined;
}): { sizeBytes: number; sha256: string | null } {
  if (body.data === undefined) return { sizeBytes: body.sizeBytes ?? 0, sha256: body.sha256 ?? null };
  const text = JSON.stringify(body.data);
  const sizeBytes = Buffer.byteLength(text, 'utf8');
  const sha256 = sha256Hex(text);
  const errors = [
    ...(body.sizeBytes === undefined || body.sizeBytes === sizeBytes
      ? []
      : [
          {
            path: 'sizeBytes',
            message: `is ${body.sizeBytes}, but data has ${sizeBytes} bytes as compact JSON`,
          },
        ]),
    ...(body.sha256 === undefined || body.sha256 === sha256
      ? []
      : [{ path: 'sha256', message: 'is not the SHA-256 of data as compact JSON' }]),
  ];
  if (errors.length > 0) throw badRequest(errors);
  return { sizeBytes, sha256 };
}

/** POST /v1/tasks/{taskId}/complete */
export const complete = route({
  body: completeRequest,
  query: tenantQuery,
  handle: async (call) => {
    const { tenantId, taskId } = await addressed(call);
    const { epoch, outcome, error } = call.body;
    const answer = known(
      await completeTask(call.database, tenantId, taskId, { epoch, outcome, error: error ?? null }, call.now),
      taskId,
    );
    if (answer.kind === 'stale_epoch') throw staleEpoch(answer);
    if (answer.kind === 'already_ended') throw alreadyEnded(answer);
    await schedule(call.database, call.now);
    const run = await readRun(call.database, tenantId, answer.task.run_id, call.now);
    return { status: 200, body: run };
  },
});

function alreadyEnded(answer: KnownTask): Error {
  return conflict('already_ended', `The task has ended: it is ${answer.task.state}.`, {
    extra: { state: answer.task.state },
  });
}

/** POST /v1/tasks/{taskId}/cancel */
export const cancel = route({
  query: tenantQuery,
  handle: async (call) => {
    const { tenantId, taskId } = await addressed(call);
    const answer = known(await cancelTask(call.database, tenantId, taskId, call.now), taskId);
    if (answer.kind === 'already_ended') throw alreadyEnded(answer);
    await schedule(call.database, call.now);
    return taskReply(answer);
  },
});

/** POST /v1/tasks/{taskId}/preempt */
export const preempt = route({
  body: preemptRequest,
  query: tenantQuery,
  handle: async (call) => {
    const { tenantId, taskId } = await addressed(call);
    const answer = known(
      await preemptTask(call.database, tenantId, taskId, call.body.reason, call.now),
      taskId,
    );
    if (answer.kind === 'not_overridable') {
      throw conflict('not_overridable', 'The task is not overridable; cancel it if it has to stop.');
    }
    if (answer.kind === 'not_running') {
      throw conflict(
        'not_running',
        `The task is ${answer.task.state}; only a running task can be preempted.`,
        {
          extra: { state: answer.task.state },
        },
      );
    }
    return taskReply(answer);
  },
});

/** POST /v1/tasks/{taskId}/resume */
export const resume = route({
  query: tenantQuery,
  handle: async (call) => {
    const { tenantId, taskId } = await addressed(call);
    const answer = known(await resumeTask(call.database, tenantId, taskId, call.now), taskId);
    if (answer.kind === 'not_paused') {
      throw conflict('not_paused', `The task is ${answer.task.state}; only a paused task can be resumed.`, {
        extra: { state: answer.task.state },
      });
    }
    if (answer.kind === 'budget_exhausted') {
      throw paymentRequired(
        'budget_exhausted',
        "The run's budget is used up to its pause threshold; raise it with PUT /v1/runs/{runId}/budget, which resumes the run.",
      );
    }
    await schedule(call.database, call.now);
    const task = await readTask(call.database, tenantId, taskId, call.now);
    return { status: 200, body: task };
  },
});

function taskReply(answer: KnownTask): Reply {
  return { status: 200, body: taskOf(answer.task, null, answer.checkpoint) };
}
