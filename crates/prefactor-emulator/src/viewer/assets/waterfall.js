// The spans of a run as rows: a tree on the left, bars along the time on the right.

import { beforeFrame } from './coalesce.js';
import { criticalPath, merged } from './critical.js';
import { h } from './dom.js';
import { counted, duration } from './format.js';
import { Minimap } from './minimap.js';
import { Range, ticks } from './range.js';
import { endOf } from './tree.js';
import { VirtualList } from './virtual.js';

const TYPES = 8;
const DEEPEST_INDENT = 20;

export class Waterfall {
  range = new Range();
  #tree;
  #titles = {};
  #now = 0;
  #rows = [];
  #selected = null;
  #wanted = null;
  #critical = new Map();
  #options;

  /** `onSelect(span)` hears where the keyboard or a click went, `onOpen(span)` what is to be opened. */
  constructor(root, options) {
    this.#options = options;
    this.total = h('span', { class: 'numbers' });
    this.axis = h('div', { class: 'axis', 'aria-hidden': 'true' });
    this.grid = h('div', { class: 'grid', 'aria-hidden': 'true' });
    this.scroller = h('div', { class: 'scroller', role: 'tree', tabindex: '0', 'aria-label': 'Spans' });
    this.minimap = new Minimap(this.range);
    this.root = h('div', { class: 'waterfall' },
      h('div', { class: 'head' }, this.total, h('div', { class: 'overview' }, this.minimap.canvas, this.axis)),
      this.scroller,
      this.grid,
    );
    root.append(this.root);
    this.list = new VirtualList(this.scroller, {
      create: () => this.#createRow(),
      fill: (row, index) => this.#fill(row, this.#rows[index], index),
    });
    this.range.onChange = beforeFrame(() => this.#redraw());
    this.scroller.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
    new ResizeObserver(() => this.#redraw()).observe(this.root);
  }

  /** Shows a tree, or the same one after it has changed. */
  show(tree, { titles, start, end, now }) {
    if (tree !== this.#tree) {
      this.#selected = null;
      this.range.fit();
      this.list.scrollToTop();
    }
    this.#tree = tree;
    this.#titles = titles;
    this.#now = now;
    this.range.setBounds(start, end);
    this.#critical = criticalPath(tree.roots, now);
    this.refold();
  }

  /** Time has passed and nothing else. */
  tick(now) {
    this.#now = now;
    this.range.setBounds(this.range.start, now);
    this.#redraw();
  }

  /** Lays the rows out anew, after something was folded or filtered. */
  refold() {
    if (!this.#tree) return;
    const wanted = this.#wanted;
    this.#rows = this.#tree.rows(wanted ? (span) => wanted(span, this.titleOf(span)) : undefined);
    const { length } = this.#tree.spans;
    this.total.textContent = wanted ? `${counted(this.#rows.length, 'row')} of ${length}` : counted(length, 'span');
    this.list.setCount(this.#rows.length);
    this.minimap.show(this.#tree.spans);
    this.#redraw();
  }

  /** Shows only what fits and what leads there; everything without an argument. */
  filter(isWanted) {
    this.#wanted = isWanted;
    this.refold();
  }

  titleOf(span) {
    return this.#titles[span.name] ?? span.name;
  }

  get selected() {
    return this.#selected;
  }

  select(span) {
    if (!span) return;
    this.#selected = span;
    let index = this.#rows.indexOf(span);
    if (index < 0) {
      this.#tree.uncover(span);
      this.refold();
      index = this.#rows.indexOf(span);
    }
    if (index >= 0) this.list.reveal(index);
    if (span.start !== null) this.range.include(span.start, endOf(span, this.#now));
    this.list.refresh();
    this.#options.onSelect(span);
  }

  move(step) {
    const index = this.#selected ? this.#rows.indexOf(this.#selected) + step : 0;
    this.select(this.#rows[Math.max(0, Math.min(this.#rows.length - 1, index))]);
  }

  /** Folds what is unfolded; else goes to the parent. */
  left() {
    const span = this.#selected;
    if (!span) return;
    if (span.children.length > 0 && !span.isFolded) this.fold(span, true);
    else this.select(span.parent);
  }

  /** Unfolds what is folded; else goes to the first child. */
  right() {
    const span = this.#selected;
    if (!span) return;
    if (span.isFolded) this.fold(span, false);
    else this.select(span.children[0]);
  }

  /** Zooms about the selected span, when it is in sight. */
  zoom(factor) {
    const span = this.#selected;
    const middle = span && span.start !== null ? (span.start + endOf(span, this.#now)) / 2 : null;
    const share = middle === null ? 0.5 : this.range.share(middle);
    this.range.zoom(factor, share >= 0 && share <= 1 ? share : 0.5);
  }

  fold(span, isFolded) {
    span.isFolded = isFolded && span.children.length > 0;
    this.refold();
  }

  foldAll(isFolded) {
    this.#tree?.foldAll(isFolded);
    this.refold();
  }

  /** Goes to the next failed span after the selected one, round the end. */
  nextFailure() {
    if (!this.#tree) return;
    const all = this.#tree.rows(() => true);
    const from = all.indexOf(this.#selected) + 1;
    const isFailed = (span) => span.status === 'failed';
    this.select(all.slice(from).find(isFailed) ?? all.find(isFailed));
  }

  #redraw() {
    this.root.style.setProperty('--gutter', `${this.scroller.offsetWidth - this.scroller.clientWidth}px`);
    const { from, to, start } = this.range;
    const width = this.axis.clientWidth;
    const marks = ticks(from - start, to - start, width / 90);
    const at = (tick) => `${((tick.at + start - from) / (to - from)) * 100}%`;
    this.axis.replaceChildren(...marks.map((tick) => placed(h('span', {}, tick.text), at(tick))));
    this.grid.replaceChildren(...marks.map((tick) => placed(h('i'), at(tick))));
    this.minimap.draw(this.#now);
    this.list.refresh();
  }

  #createRow() {
    const parts = {
      fold: h('button', { type: 'button', class: 'fold', tabindex: '-1', 'aria-label': 'Fold' }),
      mark: h('i', { class: 'mark' }),
      label: h('span', { class: 'label' }),
      hidden: h('span', { class: 'hidden numbers' }),
      bar: h('div', { class: 'bar' }),
      path: h('div', { class: 'path' }),
      time: h('span', { class: 'time numbers' }),
    };
    const row = h('div', { class: 'span', role: 'treeitem' },
      h('div', { class: 'name' }, parts.fold, parts.mark, parts.label, parts.hidden),
      h('div', { class: 'track' }, parts.bar, parts.path, parts.time),
    );
    row.parts = parts;
    parts.fold.addEventListener('click', (event) => {
      event.stopPropagation();
      this.fold(row.span, !row.span.isFolded);
    });
    row.addEventListener('click', () => {
      this.select(row.span);
      this.#options.onOpen(row.span);
    });
    return row;
  }

  #fill(row, span, index) {
    row.span = span;
    const { fold, label, hidden } = row.parts;
    const isSelected = span === this.#selected;
    row.id = `span-${span.id}`;
    row.dataset.span = span.id;
    row.dataset.status = span.status;
    row.dataset.type = String(span.type % TYPES);
    row.setAttribute('aria-level', String(span.depth + 1));
    row.setAttribute('aria-posinset', String(index + 1));
    row.setAttribute('aria-selected', String(isSelected));
    row.style.setProperty('--depth', String(Math.min(span.depth, DEEPEST_INDENT)));
    if (isSelected) this.scroller.setAttribute('aria-activedescendant', row.id);
    const isParent = span.children.length > 0;
    fold.hidden = !isParent;
    if (isParent) row.setAttribute('aria-expanded', String(!span.isFolded));
    else row.removeAttribute('aria-expanded');
    label.textContent = this.titleOf(span);
    label.title = span.name;
    hidden.textContent = span.isFolded ? `+${span.children.length}` : '';
    this.#fillTrack(row.parts, span);
  }

  #fillTrack({ bar, path, time }, span) {
    const { from, to } = this.range;
    const end = span.start === null ? null : endOf(span, this.#now);
    const isSeen = end !== null && end >= from && span.start <= to;
    bar.hidden = path.hidden = !isSeen;
    if (end === null) return note(time, 'not started', 'after', 0);
    if (end < from) return note(time, `‹ ${duration(end - span.start)}`, 'after', 0);
    if (span.start > to) return note(time, `${duration(end - span.start)} ›`, 'before', 1);
    const left = Math.max(0, this.range.share(span.start));
    const right = Math.min(1, this.range.share(end));
    stretch(bar, left, right);
    // Where there is room: behind the bar, before it, or in it.
    if (right < 0.82) note(time, duration(end - span.start), 'after', right);
    else if (left > 0.18) note(time, duration(end - span.start), 'before', left);
    else note(time, duration(end - span.start), 'inside', left);

    const stretches = this.#critical.get(span);
    path.parentElement.classList.toggle('critical', stretches !== undefined);
    // Narrower than a hair, and there is another one: nobody misses it.
    const hair = (to - from) / 400;
    path.replaceChildren(...merged(stretches ?? [], hair)
      .filter(([first, last], _, all) => last >= from && first <= to && (last - first > hair || all.length === 1))
      .map(([first, last]) => stretch(h('i'), Math.max(0, this.range.share(first)), Math.min(1, this.range.share(last)))));
  }

  #wheel(event) {
    const box = this.axis.getBoundingClientRect();
    const share = Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
    const sideways = event.deltaX || (event.shiftKey ? event.deltaY : 0);
    if (event.ctrlKey || event.metaKey) this.range.zoom(Math.exp(event.deltaY / 300), share);
    else if (sideways && Math.abs(sideways) > Math.abs(event.shiftKey ? 0 : event.deltaY)) {
      this.range.pan(sideways / box.width);
    } else return;
    event.preventDefault();
  }
}

/** Writes a text behind, before or inside a place. */
function note(element, text, place, share) {
  element.textContent = text;
  element.dataset.place = place;
  element.style.left = place === 'before' ? 'auto' : percent(share);
  element.style.right = place === 'before' ? percent(1 - share) : 'auto';
}

function percent(share) {
  return `${(share * 100).toFixed(3)}%`;
}

function stretch(element, left, right) {
  element.style.left = percent(left);
  element.style.width = percent(Math.max(0, right - left));
  return element;
}

function placed(element, left) {
  element.style.left = left;
  return element;
}
