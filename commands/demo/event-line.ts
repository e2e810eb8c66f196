import type { SeenEvent } from './events.ts';

/** Members of an event's data worth a reader's glance, in this order. */
const telling = [
  'threshold',
  'spentUSD',
  'limitUSD',
  'action',
  'reason',
  'preemptedBy',
  'lostWorkUSD',
  'sequence',
  'resource',
  'usage',
  'quota',
  'throttleUntil',
  'recommendation',
  'class',
  'epoch',
  'waitingFor',
];

/** An event on one line: its name, whose it is, and what tells most. */
export function lineOf({ name, tenantId, runId, taskId, data }: SeenEvent): string {
  const facts = telling.filter((member) => data[member] != null).map((member) => `${member} ${data[member]}`);
  return `${name.padEnd(22)} ${taskId ?? runId ?? tenantId}${facts.length > 0 ? `: ${facts.join(', ')}` : ''}`;
}
