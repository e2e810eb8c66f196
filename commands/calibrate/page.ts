/** A calibration as one page: no script, nothing fetched, so that it can be mailed and kept. */

import {
  type Calibration,
  type LabelledScore,
  percent,
  type Rate,
} from '../../shared/deliberation/calibration.ts';
import { type Dimension, dimensions, type VerdictThresholds } from '../../shared/deliberation/verdict.ts';
import { style } from '../replay/page/style.ts';
import {
  axes,
  drawing,
  escapeText,
  type Frame,
  frameOf,
  linePath,
  numberText,
  type Point,
  type Scale,
  stepPath,
} from '../replay/page/svg.ts';
import { rateNames } from './words.ts';

const ownStyle = `
.sound { stroke: var(--good); } .unsound { stroke: var(--bad); stroke-dasharray: 5 3; }
.fill-sound { fill: var(--good); opacity: .16; } .fill-unsound { fill: var(--bad); opacity: .16; }
.roc { stroke: var(--use); } .chance { stroke: var(--quiet); stroke-dasharray: 2 4; fill: none; }
.cut { stroke: var(--capacity); stroke-width: 1.5; } .cut.pass { stroke-dasharray: 7 3; }
.dot { fill: var(--capacity); stroke: var(--paper); stroke-width: 2; } .dot.pass { fill: var(--paper); stroke: var(--capacity); }
.warning { border-left: 3px solid var(--capacity); padding: 2px 12px; }
`;

const bins = 40;
const plotWidth = 448;

export function pageOf(name: string, scores: readonly LabelledScore[], calibration: Calibration): string {
  const { sound, bad, targets, proposed, inForce, rates, warnings } = calibration;
  const title = `Thresholds from ${escapeText(name)}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${style}${ownStyle}</style>
</head>
<body>
<main>
<h1>${title}</h1>
<p class="quiet">${numberText(sound)} sound and ${numberText(bad)} bad texts. Wanted: at most ${percent(targets.falseReject_max)} of the sound
rejected, at most ${percent(targets.falsePass_max)} of the bad passed.</p>
${warnings.map((warning) => `<p class="warning">${escapeText(warning)}</p>`).join('\n')}
<h2>What the thresholds do</h2>
<p>Shares with their 95 % confidence interval. The proposal was made on these texts and flatters itself on them; the middle column
tries it on texts that it was made without, a fifth at a time.</p>
${rateTable(rates)}
<h2>Scores of sound and of bad texts</h2>
<p>The further apart the two hills, the better an axis tells them from each other. Below the left line a text is rejected, from
the dashed one on it may pass; what lies between goes to review.</p>
${legend}
<div class="pair">${dimensions.map((of) => `<figure><figcaption>${of}</figcaption>${distribution(of, scores, proposed)}</figure>`).join('')}</div>
<h2>What each axis could do alone</h2>
<p>Each point of a curve is one possible floor: how many of the sound it would keep out, and how many of the bad. The area is 0.5 for
guessing and 1 for a perfect axis. Full: the floor of a reject; hollow: of a pass.</p>
<div class="pair">${dimensions.map((of) => `<figure><figcaption>${of}, area ${calibration.areas[of].toFixed(3)}</figcaption>${roc(of, scores, proposed)}</figure>`).join('')}</div>
<h2>Floors</h2>
${floorTable(proposed, inForce)}
</main>
</body>
</html>
`;
}

const legend = `<ul class="legend">${(
  [
    ['line sound', 'sound'],
    ['line unsound', 'bad'],
    ['cut', 'rejected below'],
    ['cut pass', 'passes from'],
  ] as const
)
  .map(
    ([kind, words]) =>
      `<li><svg viewBox="0 0 34 10" aria-hidden="true"><path class="${kind}" d="M1 5H33"/></svg>${words}</li>`,
  )
  .join('')}</ul>`;

function unitScale(from: number, to: number, words: (value: number) => string): Scale {
  return {
    place: (value) => from + Math.min(Math.max(value, 0), 1) * (to - from),
    ticks: [0, 0.2, 0.4, 0.6, 0.8, 1].map((value) => ({ value, label: words(value) })),
  };
}

const inPercent = (value: number): string => `${Math.round(value * 100)} %`;

function distribution(of: Dimension, scores: readonly LabelledScore[], proposed: VerdictThresholds): string {
  const frame = frameOf(plotWidth, 230);
  const x = unitScale(frame.left, frame.right, String);
  const sharesOf = (isSound: boolean): number[] => {
    const own = scores.filter((score) => score.isSound === isSound);
    const counts = new Array<number>(bins).fill(0);
    for (const score of own) {
      const bin = Math.min(bins - 1, Math.floor(score[of] * bins));
      counts[bin] = (counts[bin] ?? 0) + 1;
    }
    return counts.map((count) => count / own.length);
  };
  const hills = { sound: sharesOf(true), unsound: sharesOf(false) };
  const most = Math.max(...hills.sound, ...hills.unsound);
  const y: Scale = {
    place: (value) => frame.bottom - (value / most) * (frame.bottom - frame.top),
    ticks: [0, most / 2, most].map((value) => ({
      value,
      label: `${numberText(Math.round(value * 1000) / 10)} %`,
    })),
  };
  const place = (bin: number) => x.place(bin / bins);
  return drawing(frame, `Scores of sound and of bad texts, ${of}`, [
    axes(frame, x, y, `${of} score`, 'texts'),
    ...Object.entries(hills).flatMap(([kind, shares]) => [
      `<path class="fill-${kind}" d="${stepPath(shares, place, y.place, frame.bottom)}"/>`,
      `<path class="line ${kind}" d="${stepPath(shares, place, y.place)}"/>`,
    ]),
    cut(frame, x, proposed[`reject_${of}`], 'reject'),
    cut(frame, x, proposed[`pass_${of}`], 'pass'),
  ]);
}

function cut(frame: Frame, x: Scale, floor: number, kind: 'reject' | 'pass'): string {
  const at = x.place(floor).toFixed(1);
  return `<line class="cut ${kind}" x1="${at}" x2="${at}" y1="${frame.top}" y2="${frame.bottom}"><title>${kind}: ${floor}</title></line>`;
}

function roc(of: Dimension, scores: readonly LabelledScore[], proposed: VerdictThresholds): string {
  const frame = frameOf(plotWidth, 330);
  const x = unitScale(frame.left, frame.right, inPercent);
  const y = unitScale(frame.bottom, frame.top, inPercent);
  const valuesOf = (isSound: boolean) =>
    scores
      .filter((score) => score.isSound === isSound)
      .map((score) => score[of])
      .toSorted((one, other) => one - other);
  const [sound, bad] = [valuesOf(true), valuesOf(false)];
  const at = (floor: number): Point => [
    x.place(below(sound, floor) / sound.length),
    y.place(below(bad, floor) / bad.length),
  ];
  const curve = Array.from({ length: 501 }, (_, step) => at(step / 500));
  const dot = (kind: 'reject' | 'pass'): string => {
    const floor = proposed[`${kind}_${of}`];
    const [left, top] = at(floor);
    return `<circle class="dot ${kind}" cx="${left.toFixed(1)}" cy="${top.toFixed(1)}" r="5"><title>${kind}: ${floor}</title></circle>`;
  };
  return drawing(frame, `Sound and bad texts below each possible floor, ${of}`, [
    axes(frame, x, y, 'sound texts below the floor', 'bad texts below it'),
    `<path class="chance" d="${linePath([at(0), [frame.right, frame.top]])}"/>`,
    `<path class="line roc" d="${linePath([...curve, [frame.right, frame.top]])}"/>`,
    dot('pass'),
    dot('reject'),
  ]);
}

/** How many of the sorted values lie below the floor. */
function below(values: readonly number[], floor: number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((values[middle] ?? 0) < floor) low = middle + 1;
    else high = middle;
  }
  return low;
}

function rateTable({ proposed, crossChecked, inForce }: Calibration['rates']): string {
  const cellOf = ({ share, low, high }: Rate): string =>
    `${percent(share)}<br><span class="quiet">${percent(low)} to ${percent(high)}</span>`;
  const rows = rateNames.map(([name, words]) => [
    words,
    ...[proposed, crossChecked, inForce].map((rates) => cellOf(rates[name])),
  ]);
  return table(['share', 'proposed', 'on texts not seen', 'in force'], rows);
}

function floorTable(proposed: VerdictThresholds, inForce: VerdictThresholds): string {
  const rows = (['pass', 'reject'] as const).flatMap((kind) =>
    dimensions.map((of) => [
      `${kind === 'pass' ? 'passes from' : 'rejected below'}, ${of}`,
      String(proposed[`${kind}_${of}`]),
      String(inForce[`${kind}_${of}`]),
    ]),
  );
  return table(['floor', 'proposed', 'in force'], rows);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const heads = head.map((name) => `<th scope="col">${name}</th>`).join('');
  const body = rows.map(
    ([first = '', ...cells]) =>
      `<tr><th scope="row">${escapeText(first)}</th>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`,
  );
  return `<div class="scroll"><table><thead><tr>${heads}</tr></thead><tbody>${body.join('')}</tbody></table></div>`;
}
