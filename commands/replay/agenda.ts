/** A priority queue of future events: a binary heap by time, then rank, then order of arrival in it. */

type Entry<Event> = {
  readonly at_ms: number;
  readonly rank: number;
  readonly order: number;
  readonly event: Event;
};

export type Agenda<Event> = {
  /** `rank` orders events of the same time, smaller first. */
  add(at_ms: number, rank: number, event: Event): void;
  /** Removes and returns the earliest event. */
  next(): { readonly at_ms: number; readonly event: Event } | undefined;
};

export function createAgenda<Event>(): Agenda<Event> {
  const heap: Entry<Event>[] = [];
  let order = 0;
  return {
    add(at_ms, rank, event) {
      heap.push({ at_ms, rank, order, event });
      order += 1;
      siftUp(heap, heap.length - 1);
    },
    next() {
      const first = heap[0];
      const last = heap.pop();
      if (first === undefined || last === undefined) return undefined;
      if (heap.length > 0) {
        heap[0] = last;
        siftDown(heap, 0);
      }
      return { at_ms: first.at_ms, event: first.event };
    },
  };
}

function compare(a: Entry<unknown>, b: Entry<unknown>): number {
  return a.at_ms - b.at_ms || a.rank - b.rank || a.order - b.order;
}

/** Whether the entry at `a` exists and comes before the one at `b`. */
function precedes(heap: readonly Entry<unknown>[], a: number, b: number): boolean {
  const first = heap[a];
  const second = heap[b];
  return first !== undefined && second !== undefined && compare(first, second) < 0;
}

function swap<Event>(heap: Entry<Event>[], a: number, b: number): void {
  const first = heap[a];
  const second = heap[b];
  if (first === undefined || second === undefined) return;
  heap[a] = second;
  heap[b] = first;
}

function siftUp<Event>(heap: Entry<Event>[], from: number): void {
  let at = from;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!precedes(heap, at, parent)) return;
    swap(heap, at, parent);
    at = parent;
  }
}

function siftDown<Event>(heap: Entry<Event>[], from: number): void {
  let at = from;
  for (;;) {
    const left = 2 * at + 1;
    const right = left + 1;
    const child = precedes(heap, right, left) ? right : left;
    if (!precedes(heap, child, at)) return;
    swap(heap, at, child);
    at = child;
  }
}
