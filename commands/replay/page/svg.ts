/** Parts of a drawing: scales, axes and marks as SVG text. Colours and strokes come from the page's style sheet. */

export type Scale = {
  /** Value to place in the drawing. */
  readonly place: (value: number) => number;
  readonly ticks: readonly { readonly value: number; readonly label: string }[];
};

/** The part of a drawing that marks are in, in its own units. */
export type Frame = {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
};

export function frameOf(width: number, height: number): Frame {
  return { width, height, left: 62, right: width - 12, top: 12, bottom: height - 40 };
}

/** From 0 to a round number above `max`, growing from `from` to `to`. */
export function linearScale(max: number, from: number, to: number, ticks_max = 5): Scale {
  const step = roundStep(max / ticks_max);
  const top = Math.max(Math.ceil(max / step - 1e-9), 1) * step;
  return {
    place: (value) => from + (Math.min(value, top) / top) * (to - from),
    ticks: Array.from({ length: Math.round(top / step) + 1 }, (_, index) => {
      const value = index * step;
      return { value, label: numberText(value) };
    }),
  };
}

/** Powers of ten from `min` to the first that is not below `max`; what is less lies at `from`. */
export function logScale(min: number, max: number, from: number, to: number): Scale {
  const first = Math.floor(Math.log10(min));
  const last = Math.max(Math.ceil(Math.log10(max) - 1e-9), first + 1);
  return {
    place: (value) => {
      const power = Math.log10(Math.max(value, 10 ** first));
      return from + ((power - first) / (last - first)) * (to - from);
    },
    ticks: Array.from({ length: last - first + 1 }, (_, index) => {
      const value = 10 ** (first + index);
      return { value, label: index === 0 ? `≤ ${numberText(value)}` : numberText(value) };
    }),
  };
}

/** 1, 2 or 5 times a power of ten, not below `least`. */
function roundStep(least: number): number {
  if (!(least > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(least));
  return ([1, 2, 5, 10].find((times) => times * power >= least * (1 - 1e-9)) ?? 10) * power;
}

/** Grid, tick labels and names of both axes. */
export function axes(frame: Frame, x: Scale, y: Scale, xName: string, yName: string): string {
  const { left, right, top, bottom } = frame;
  const rows = y.ticks.map(({ value, label }) => {
    const at = round(y.place(value));
    return `<line class="grid" x1="${left}" x2="${right}" y1="${at}" y2="${at}"/><text class="tick end" x="${left - 6}" y="${at + 4}">${label}</text>`;
  });
  const columns = x.ticks.map(({ value, label }, index) => {
    const at = round(x.place(value));
    const anchor = index === x.ticks.length - 1 ? 'end' : 'middle';
    return `<line class="grid" x1="${at}" x2="${at}" y1="${top}" y2="${bottom}"/><text class="tick ${anchor}" x="${at}" y="${bottom + 16}">${label}</text>`;
  });
  return [
    ...rows,
    ...columns,
    `<text class="axis middle" x="${(left + right) / 2}" y="${bottom + 34}">${escapeText(xName)}</text>`,
    `<text class="axis middle" transform="rotate(-90)" x="${-(top + bottom) / 2}" y="13">${escapeText(yName)}</text>`,
  ].join('');
}

export type Point = readonly [x: number, y: number];

export function linePath(points: readonly Point[]): string {
  return points.map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${round(x)} ${round(y)}`).join('');
}

/** A level that holds for a span each, drawn as steps; closed down to `base` when given. */
export function stepPath(
  levels: readonly number[],
  x: (index: number) => number,
  y: (level: number) => number,
  base?: number,
): string {
  const points = levels.flatMap((level, index): Point[] => [
    [x(index), y(level)],
    [x(index + 1), y(level)],
  ]);
  if (base === undefined) return linePath(points);
  return `${linePath([[x(0), base], ...points, [x(levels.length), base]])}Z`;
}

/** @param name read out in place of the drawing */
export function drawing(frame: Frame, name: string, marks: readonly string[]): string {
  return `<svg viewBox="0 0 ${frame.width} ${frame.height}" role="img" aria-label="${escapeText(name)}">${marks.join('')}</svg>`;
}

const numberFormat = new Intl.NumberFormat('en', { maximumFractionDigits: 3 });

/** With thousands apart and at most three decimals. */
export function numberText(value: number): string {
  return numberFormat.format(value);
}

export function escapeText(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
