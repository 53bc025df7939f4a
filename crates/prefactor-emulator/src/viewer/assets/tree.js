// The spans of a run as a tree. No elements here.

/** The types in the order in which the page met them: each keeps its colour from run to run. */
const types = new Map();

function typeOf(name) {
  if (!types.has(name)) types.set(name, types.size);
  return types.get(name);
}

export class SpanTree {
  spans = [];
  roots = [];
  #byId = new Map();

  get(id) {
    return this.#byId.get(id);
  }

  /** Takes rows as the emulator sends them: new spans, and known ones that have changed. */
  apply(rows) {
    for (const [id, parentId, name, status, start, end] of rows) {
      const known = this.#byId.get(id);
      if (known) Object.assign(known, { status, end });
      else this.#add({ id, parent: this.#byId.get(parentId) ?? null, name, status, start, end });
    }
  }

  #add(span) {
    const { parent } = span;
    span.children = [];
    span.isFolded = false;
    span.depth = parent ? parent.depth + 1 : 0;
    span.type = typeOf(span.name);
    insertByStart(parent ? parent.children : this.roots, span);
    this.spans.push(span);
    this.#byId.set(span.id, span);
  }

  /** The rows in order: without what is folded away, or with `isWanted` only what fits it and what leads there. */
  rows(isWanted) {
    const kept = isWanted ? withAncestors(this.spans.filter(isWanted)) : null;
    const rows = [];
    const waiting = this.roots.toReversed();
    while (waiting.length > 0) {
      const span = waiting.pop();
      if (kept && !kept.has(span)) continue;
      rows.push(span);
      if (span.isFolded && !kept) continue;
      for (let index = span.children.length - 1; index >= 0; index -= 1) waiting.push(span.children[index]);
    }
    return rows;
  }

  foldAll(isFolded) {
    for (const span of this.spans) span.isFolded = isFolded && span.children.length > 0;
  }

  /** Unfolds whatever hides a span. */
  uncover(span) {
    for (let parent = span.parent; parent; parent = parent.parent) parent.isFolded = false;
  }

  /** From the first start to the last end; what goes on lasts until `now`. */
  extent(now) {
    let start = Infinity;
    let end = -Infinity;
    for (const span of this.spans) {
      if (span.start === null) continue;
      if (span.start < start) start = span.start;
      const last = endOf(span, now);
      if (last > end) end = last;
    }
    return { start, end };
  }
}

/** When a started span ended, or `now`; never before it began. */
export function endOf(span, now) {
  return Math.max(span.start, span.end ?? now);
}

/** Mostly the newest is the last: looked for from the end. What never started comes after all that did. */
function insertByStart(siblings, span) {
  const start = span.start ?? Infinity;
  let place = siblings.length;
  while (place > 0 && (siblings[place - 1].start ?? Infinity) > start) place -= 1;
  siblings.splice(place, 0, span);
}

function withAncestors(spans) {
  const kept = new Set();
  for (let span of spans) {
    for (; span && !kept.has(span); span = span.parent) kept.add(span);
  }
  return kept;
}
