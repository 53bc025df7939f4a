// The stretch of time in sight. No elements here.

/** Nobody zooms in further than this, in microseconds. */
const NARROWEST = 20;

export class Range {
  start = 0;
  end = 1;
  /** The whole run, whatever its length, until someone zooms in. */
  #zoomed = null;
  onChange = () => {};

  setBounds(start, end) {
    this.start = start;
    this.end = Math.max(end, start + 1);
  }

  get from() {
    return this.#zoomed?.from ?? this.start;
  }

  get to() {
    return this.#zoomed?.to ?? this.end;
  }

  get isZoomed() {
    return this.#zoomed !== null;
  }

  /** Where a time lies in what is in sight: 0 at its start, 1 at its end. */
  share(time) {
    return (time - this.from) / (this.to - this.from);
  }

  fit() {
    this.#zoomed = null;
    this.onChange();
  }

  set(from, to) {
    const width = Math.max(Math.min(NARROWEST, this.end - this.start), Math.min(to - from, this.end - this.start));
    const first = Math.max(this.start, Math.min(from, this.end - width));
    this.#zoomed = width >= this.end - this.start ? null : { from: first, to: first + width };
    this.onChange();
  }

  /** Makes what is in sight `factor` times as long; what is at `share` stays where it is. */
  zoom(factor, share = 0.5) {
    const width = (this.to - this.from) * factor;
    const fixed = this.from + (this.to - this.from) * share;
    this.set(fixed - width * share, fixed + width * (1 - share));
  }

  /** Moves as far as needed for a stretch to be in sight, in the middle if it was not at all. */
  include(start, end) {
    if (end >= this.from && start <= this.to) return;
    const half = (this.to - this.from) / 2;
    const middle = (start + Math.min(end, start + half)) / 2;
    this.set(middle - half, middle + half);
  }

  /** Moves on by a share of what is in sight. */
  pan(share) {
    const by = (this.to - this.from) * share;
    if (this.isZoomed) this.set(this.from + by, this.to + by);
  }
}

const SECOND = 1e6;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const SIXTIES = [1, 2, 5, 10, 20, 30, 60, 120, 360, 720, 1440].map((minutes) => minutes * MINUTE);

/** About `wanted` round times between two, with their texts. */
export function ticks(from, to, wanted) {
  const rough = (to - from) / Math.max(1, wanted);
  const decade = 10 ** Math.floor(Math.log10(rough));
  const decimal = [1, 2, 5, 10].map((factor) => factor * decade).find((step) => step >= rough);
  const step = rough < 50 * SECOND ? decimal : SIXTIES.find((step) => step >= rough) ?? decimal;
  const marks = [];
  for (let index = Math.ceil(from / step); index * step < to; index += 1) {
    marks.push({ at: index * step, text: text(index * step, step) });
  }
  return marks;
}

function text(micros, step) {
  if (micros === 0) return '0';
  if (step >= HOUR) return `${micros / HOUR} h`;
  if (step >= MINUTE) return `${micros / MINUTE} m`;
  const [unit, size] = step >= SECOND || micros >= 10 * SECOND ? ['s', SECOND] : step >= 1e3 || micros >= 1e4 ? ['ms', 1e3] : ['µs', 1];
  const places = Math.max(0, -Math.floor(Math.log10(step / size) + 1e-9));
  return `${(micros / size).toFixed(places)} ${unit}`;
}
