/** Scenes 4 and 5: a tenant that asks without end is throttled; a plan without sense is rejected. */

import { refusal } from '../../shared/admission/contract.ts';
import { deliberationAnswer } from '../../shared/deliberation/contract.ts';
import { type Cast, setQuotas } from './cast.ts';
import { goal, poorPlan, soundPlan } from './plans.ts';
import { quotasOfA } from './quotas.ts';

const throttledStatus = 429;
const attempts_max = 20;

/** A loop in a runner of B starts run after run: the quota refuses, and enough refusals throttle the tenant. */
export async function runawayLoop({ b, events, say }: Cast): Promise<void> {
  await say('A loop in a runner of B starts run after run; its quota is four at once, and two are running.');
  let refused = 0;
  for (let attempt = 1; attempt <= attempts_max; attempt += 1) {
    const runId = `loop-${attempt}`;
    const request = { runId, phase: 'plan', budget: { maxCostUSD: 1 }, leaseSeconds: 600 };
    const { status, body } = await b.client.send('POST', '/v1/runs', request);
    if (status !== throttledStatus) {
      await say(`${runId}: ${status === 201 ? 'admitted' : `answered ${status}`}.`);
      continue;
    }
    const { code, reasons = [] } = refusal.parse(body);
    const [reason] = reasons;
    if (code === 'throttled') {
      await events.until('tenant-throttled', (event) => event.tenantId === b.tenantId);
      await say(
        `${runId}: throttled until ${reason?.retryAt}, after ${refused} violations in a minute. What B has running goes on.`,
      );
      return;
    }
    refused += 1;
    await say(
      `${runId}: refused, ${reason?.resource} ${reason?.held} of ${reason?.limit} held. Violation ${refused}.`,
    );
  }
  throw new Error(`B was not throttled after ${attempts_max} requests`);
}

/** With the quality gate on, a rejected plan holds up the next phase of its run until a better one passes. */
export async function plans({ operator, a, events, say }: Cast): Promise<void> {
  await setQuotas(operator, a.tenantId, { ...quotasOfA, qualityGate: 'enforce' });
  await say('The operator switches the quality gate on for A. The plan of roadmap is scored:');
  const score = (text: string) =>
    a.client.ask(deliberationAnswer, 'POST', '/v1/runs/roadmap/deliberations', { goal, text });
  const askForDesign = () =>
    a.client.send('POST', '/v1/runs/roadmap/tasks', { taskId: 'roadmap-design', phase: 'design' });

  const poor = await score(poorPlan);
  await events.until('deliberation-scored', ({ data }) => data.recommendation === 'reject');
  const [contradiction] = poor.contradictions;
  await say(
    `A plan that contradicts itself scores ${poor.overall.toFixed(2)}: ${poor.recommendation}. "${contradiction?.first}" against "${contradiction?.second}".`,
  );
  const held = refusal.parse((await askForDesign()).body);
  await say(`Its next phase, design, is refused: ${held.code}.`);

  const sound = await score(soundPlan);
  await events.until('deliberation-scored', ({ data }) => data.recommendation === 'pass');
  await say(`A reasoned plan scores ${sound.overall.toFixed(2)}: ${sound.recommendation}.`);
  const { status } = await askForDesign();
  if (status !== 201)
    throw new Error(`design was to start after a plan that passed, but was answered ${status}`);
  await say('Now design starts.');
}
