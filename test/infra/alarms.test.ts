import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { anchor, runbookHeadings } from '../../infra/alarms.ts';
import { propertiesOf, resourcesOf, synthesise } from './template.ts';

/** With all that can be switched on. */
const { app, data } = synthesise('prod', {
  judge: {
    modelId: 'amazon.nova-lite-v1:0',
    profileOf: null,
    price: 'library',
    timeoutSeconds: 10,
    attempts: 3,
  },
});
const runbook = readFileSync('docs/runbook.md', 'utf8');
const headings = [...runbook.matchAll(/^#+ (.+)$/gm)].map((match) => match[1] ?? '');

const alarms = [app, data].flatMap((template) =>
  propertiesOf(
    template,
    'AWS::CloudWatch::Alarm',
    z.object({
      AlarmDescription: z.string(),
      MetricName: z.string(),
      Dimensions: z.array(z.unknown()),
      AlarmActions: z.array(z.unknown()),
      TreatMissingData: z.literal('notBreaching'),
    }),
  ),
);

describe('alarms', () => {
  test.each(alarms)('$id tells someone, and sends them to a heading that exists', (alarm) => {
    expect(alarm.AlarmActions).toHaveLength(1);
    const [, linked] = /docs\/runbook\.md#([a-z0-9-]+)$/.exec(alarm.AlarmDescription) ?? [];
    expect(headings.map(anchor)).toContain(linked);
  });

  test.each(runbookHeadings)(
    'the runbook says of "%s" what it means, where to look and what to do',
    (heading) => {
      const section = runbook.split(/^## /m).find((text) => text.startsWith(`${heading}\n`));
      for (const part of ['**Means.**', '**Look.**', '**Do.**']) expect(section).toContain(part);
    },
  );

  test('every heading is linked by an alarm', () => {
    const descriptions = alarms.map((alarm) => alarm.AlarmDescription).join('\n');
    for (const heading of runbookHeadings) expect(descriptions).toContain(`#${anchor(heading)}`);
  });

  test('each function has one for errors and one for throttles', () => {
    for (const [id] of resourcesOf(app, 'AWS::Lambda::Function')) {
      const watching = alarms.filter((alarm) => JSON.stringify(alarm.Dimensions).includes(`"${id}"`));
      expect(watching.map((alarm) => alarm.MetricName).sort()).toEqual(['Errors', 'Throttles']);
    }
  });

  test('each rule has one for failed invocations', () => {
    for (const [id] of resourcesOf(app, 'AWS::Events::Rule')) {
      const watching = alarms.filter((alarm) => JSON.stringify(alarm.Dimensions).includes(`"${id}"`));
      expect(watching.map((alarm) => alarm.MetricName)).toEqual(['FailedInvocations']);
    }
  });
});
