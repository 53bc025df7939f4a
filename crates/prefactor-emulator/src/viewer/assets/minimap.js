// The whole run in a small picture, in which a stretch of time is chosen by dragging.

import { h } from './dom.js';
import { endOf } from './tree.js';

/** A drag shorter than this is a click. */
const CLICK = 4;

export class Minimap {
  canvas = h('canvas', { class: 'minimap', 'aria-hidden': 'true', title: 'Drag to zoom, double-click for the whole run' });
  #range;
  #spans = [];
  #now = 0;
  #colours = null;
  /** The bars as drawn; what is in sight is drawn over them. */
  #picture = document.createElement('canvas');
  #drawn = '';

  constructor(range) {
    this.#range = range;
    addEventListener('themechange', () => {
      this.#colours = null;
      this.#drawn = '';
      this.draw();
    });
    this.canvas.addEventListener('dblclick', () => range.fit());
    this.canvas.addEventListener('pointerdown', (event) => this.#drag(event));
  }

  show(spans) {
    this.#spans = spans;
    this.#drawn = '';
  }

  draw(now = this.#now) {
    this.#now = now;
    const ratio = devicePixelRatio || 1;
    const width = Math.round(this.canvas.clientWidth * ratio);
    const height = Math.round(this.canvas.clientHeight * ratio);
    if (width === 0) return;
    this.#colours ??= this.#readColours();
    this.canvas.width = width;
    this.canvas.height = height;
    const { start, end, from, to, isZoomed } = this.#range;
    const key = `${width} ${height} ${start} ${end} ${this.#spans.length}`;
    if (key !== this.#drawn) this.#drawBars(width, height, ratio);
    this.#drawn = key;
    const context = this.canvas.getContext('2d');
    context.drawImage(this.#picture, 0, 0);
    if (!isZoomed) return;
    const x = (time) => ((time - start) / (end - start)) * width;
    context.fillStyle = this.#colours.veil;
    context.fillRect(0, 0, x(from), height);
    context.fillRect(x(to), 0, width - x(to), height);
    context.strokeStyle = this.#colours.edge;
    context.lineWidth = ratio;
    context.strokeRect(x(from), 0, Math.max(ratio, x(to) - x(from)), height);
  }

  #drawBars(width, height, ratio) {
    this.#picture.width = width;
    this.#picture.height = height;
    const context = this.#picture.getContext('2d');
    const { start, end } = this.#range;
    const { length } = this.#spans;
    const room = (height - 2 * ratio) / Math.max(length, 12);
    const thick = Math.max(ratio, Math.min(room * 0.7, 4 * ratio));
    // Failures last, so that nothing hides them.
    for (const failures of [false, true]) {
      this.#spans.forEach((span, index) => {
        if (span.start === null || (span.status === 'failed') !== failures) return;
        context.fillStyle = failures ? this.#colours.failed : this.#colours.types[span.type % this.#colours.types.length];
        const left = ((span.start - start) / (end - start)) * width;
        const right = ((endOf(span, this.#now) - start) / (end - start)) * width;
        context.fillRect(left, ratio + index * room, Math.max(ratio, right - left), thick);
      });
    }
  }

  /** The style sheet's colours, as a canvas can use them. */
  #readColours() {
    const probe = h('i', { hidden: true });
    this.canvas.parentElement.append(probe);
    const read = (name) => {
      probe.style.color = `var(${name})`;
      return getComputedStyle(probe).color;
    };
    const types = [0, 1, 2, 3, 4, 5, 6, 7].map((type) => read(`--type-${type}`));
    const colours = { types, failed: read('--bad'), veil: read('--veil'), edge: read('--accent') };
    probe.remove();
    return colours;
  }

  #drag(event) {
    const box = this.canvas.getBoundingClientRect();
    const { start, end, from, to, isZoomed } = this.#range;
    const timeAt = (x) => start + Math.max(0, Math.min(1, (x - box.left) / box.width)) * (end - start);
    const grabbed = timeAt(event.clientX);
    const isMoving = isZoomed && grabbed >= from && grabbed <= to;
    const move = ({ clientX }) => {
      if (Math.abs(clientX - event.clientX) < CLICK) return;
      const time = timeAt(clientX);
      if (isMoving) this.#range.set(from + time - grabbed, to + time - grabbed);
      else this.#range.set(Math.min(grabbed, time), Math.max(grabbed, time));
    };
    const done = () => {
      this.canvas.removeEventListener('pointermove', move);
      this.canvas.removeEventListener('pointerup', done);
      this.canvas.removeEventListener('pointercancel', done);
    };
    this.canvas.setPointerCapture(event.pointerId);
    this.canvas.addEventListener('pointermove', move);
    this.canvas.addEventListener('pointerup', done);
    this.canvas.addEventListener('pointercancel', done);
  }
}
