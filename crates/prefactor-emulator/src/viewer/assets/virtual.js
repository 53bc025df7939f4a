// A list of any length of which only the rows in sight are elements.

import { beforeFrame } from './coalesce.js';
import { h } from './dom.js';

/** Rows beyond each edge, so that scrolling meets rows that are there. */
const SPARE = 8;

export class VirtualList {
  #scroller;
  #sheet = h('div', { class: 'sheet', role: 'presentation' });
  #rows = new Map();
  #free = [];
  #count = 0;
  #options;
  #height = 0;

  /** `create()` makes a row, `fill(row, index)` shows an item in it, `onWindow(first, last)` hears what is in sight. */
  constructor(scroller, options) {
    this.#scroller = scroller;
    this.#options = options;
    scroller.append(this.#sheet);
    this.draw = beforeFrame(() => this.#draw());
    scroller.addEventListener('scroll', this.draw, { passive: true });
    new ResizeObserver(() => this.refresh()).observe(scroller);
  }

  get count() {
    return this.#count;
  }

  /** The rows' height is the style sheet's: a narrow page may have taller ones. */
  get rowHeight() {
    return parseFloat(getComputedStyle(this.#scroller).getPropertyValue('--row'));
  }

  setCount(count) {
    this.#count = count;
    this.refresh();
  }

  /** Shows every row anew. */
  refresh() {
    this.#height = 0;
    this.draw();
  }

  /** First and last row in sight. */
  window() {
    const height = this.rowHeight;
    const { scrollTop, clientHeight } = this.#scroller;
    const first = Math.max(0, Math.min(Math.floor(scrollTop / height), this.#count - 1));
    return [first, Math.min(this.#count, Math.ceil((scrollTop + clientHeight) / height))];
  }

  /** Scrolls just as far as needed to show a row. */
  reveal(index) {
    const height = this.rowHeight;
    const { scrollTop, clientHeight } = this.#scroller;
    const margin = Math.min(height * 2, clientHeight / 4);
    if (index * height < scrollTop + margin) this.#scroller.scrollTop = index * height - margin;
    else if ((index + 1) * height > scrollTop + clientHeight - margin) {
      this.#scroller.scrollTop = (index + 1) * height - clientHeight + margin;
    }
    this.draw();
  }

  scrollToTop() {
    this.#scroller.scrollTop = 0;
  }

  #draw() {
    const height = this.rowHeight;
    const all = height !== this.#height;
    this.#height = height;
    this.#sheet.style.height = `${this.#count * height}px`;
    const [first, last] = this.window();
    const from = Math.max(0, first - SPARE);
    const to = Math.min(this.#count, last + SPARE);

    for (const [index, row] of this.#rows) {
      if (index >= from && index < to) continue;
      this.#rows.delete(index);
      this.#free.push(row);
    }
    for (let index = from; index < to; index += 1) {
      const known = this.#rows.get(index);
      if (known && !all) continue;
      const row = known ?? this.#take();
      row.style.transform = `translateY(${index * height}px)`;
      this.#rows.set(index, row);
      this.#options.fill(row, index);
    }
    for (const row of this.#free) row.remove();
    this.#free.length = 0;
    this.#options.onWindow?.(first, last);
  }

  #take() {
    const row = this.#free.pop() ?? this.#options.create();
    if (!row.isConnected) this.#sheet.append(row);
    return row;
  }
}
