// The critical path of a run: the stretches of time that, were they shorter, would have made the run shorter.

import { endOf } from './tree.js';

/**
 * Walks back from the end of each span on the path: to the child that ended last, from its start to the child that ended
 * last before that, and so on. What lies between is the span's own time. Returns the stretches by span.
 */
export function criticalPath(roots, now) {
  const path = new Map();
  const waiting = [];
  walk(roots, Infinity, -Infinity, null);
  while (waiting.length > 0) {
    const { span, until } = waiting.pop();
    const stretches = [];
    path.set(span, stretches);
    const own = walk(span.children, until, span.start, stretches);
    if (own > span.start || stretches.length === 0) stretches.push([span.start, Math.max(span.start, own)]);
  }
  return path;

  /** Goes through children from last to first; returns the time before which none is left. */
  function walk(children, until, start, stretches) {
    let cursor = until;
    // A child can't hold up its parent past the parent's end.
    const ended = children
      .filter((child) => child.start !== null && child.start < until)
      .map((child) => ({ child, end: Math.min(endOf(child, now), until) }))
      .sort((a, b) => b.end - a.end || b.child.start - a.child.start);
    for (const { child, end } of ended) {
      // It ran beside one that is on the path already.
      if (end > cursor) continue;
      if (cursor <= start) break;
      if (stretches && end < cursor) stretches.push([end, cursor]);
      waiting.push({ span: child, until: end });
      cursor = child.start;
    }
    return cursor;
  }
}

/** Draws close stretches as one: `gap` is what nobody could see. */
export function merged(stretches, gap) {
  const sorted = stretches.toSorted((a, b) => a[0] - b[0]);
  const result = [];
  for (const [from, to] of sorted) {
    const last = result.at(-1);
    if (last && from - last[1] <= gap) last[1] = Math.max(last[1], to);
    else result.push([from, to]);
  }
  return result;
}
