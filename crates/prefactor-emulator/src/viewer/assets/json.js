// JSON as people read it: folded where it is long, strings with their line breaks, hidden values marked.

import { button, h } from './dom.js';
import { count, counted } from './format.js';

const LONG_TEXT = 600;
const LONG_LINES = 12;
/** So many entries of a list or an object are shown at once. */
const ENTRIES = 100;
/** What lies deeper is folded at first. */
const OPEN_DEPTH = 3;
/** A string up to this length stays on the line of its key. */
const INLINE_TEXT = 120;

/** A number whose digits a double can't hold, kept as it was written. */
class Numeral {
  constructor(source) {
    this.source = source;
  }
}

/** Parses without losing digits, where the browser tells the source of a number. */
export function parseExactly(text) {
  return JSON.parse(text, (key, value, context) => {
    const source = context?.source;
    const isChanged = typeof value === 'number' && source !== undefined && String(value) !== source;
    return isChanged && /^-?\d{16,}$/.test(source) ? new Numeral(source) : value;
  });
}

export function showJson(value) {
  return h('div', { class: 'json' }, valueOf(value, 0));
}

function valueOf(value, depth) {
  if (value === null) return h('span', { class: 'null' }, 'null');
  if (value instanceof Numeral) return h('span', { class: 'number' }, value.source);
  switch (typeof value) {
    case 'string': return textOf(value);
    case 'number': return h('span', { class: 'number' }, String(value));
    case 'boolean': return h('span', { class: 'boolean' }, String(value));
    default: return isHidden(value) ? hiddenOf(value) : nestOf(value, depth);
  }
}

function isHidden(value) {
  return value.redacted === true && typeof value.$sensitive === 'string';
}

function hiddenOf({ $sensitive: kind, labels }) {
  const words = [`${kind} hidden`, ...(Array.isArray(labels) ? labels.map(String) : [])];
  return h('span', { class: 'secret', title: 'A sensitive value: the API shows it redacted' }, words.join(' · '));
}

function textOf(text) {
  const lines = text.split('\n');
  if (lines.length === 1 && text.length <= INLINE_TEXT) return h('span', { class: 'string' }, JSON.stringify(text));
  const isLong = text.length > LONG_TEXT || lines.length > LONG_LINES;
  const short = lines.slice(0, LONG_LINES).join('\n').slice(0, LONG_TEXT);
  const block = h('pre', { class: 'string text' }, isLong ? `${short}…` : text);
  if (!isLong) return block;
  const showMore = `Show all ${count(text.length)} characters`;
  const more = button(showMore, {
    class: 'more',
    onclick: () => {
      const isShort = more.textContent === showMore;
      block.textContent = isShort ? text : `${short}…`;
      more.textContent = isShort ? 'Show less' : showMore;
    },
  });
  return h('div', {}, block, more);
}

function nestOf(value, depth) {
  const isList = Array.isArray(value);
  const entries = isList ? value.map((item, index) => [index, item]) : Object.entries(value);
  if (entries.length === 0) return h('span', { class: 'hollow' }, isList ? '[]' : '{}');
  const body = h('div', { class: 'nest' });
  const size = isList ? counted(entries.length, 'item') : counted(entries.length, 'field');
  const details = h('details', { class: isList ? 'list' : 'object' }, h('summary', {}, size), body);
  // What nobody unfolds is never made.
  const fill = () => {
    if (details.open && !body.hasChildNodes()) addEntries(body, entries, 0, depth);
  };
  details.addEventListener('toggle', fill);
  details.open = depth < OPEN_DEPTH && (depth === 0 || entries.length <= 20);
  fill();
  return details;
}

function addEntries(body, entries, from, depth) {
  const shown = entries.slice(from, from + ENTRIES).map(([key, value]) => {
    const isIndex = typeof key === 'number';
    return h('div', { class: 'entry' }, h('span', { class: isIndex ? 'index' : 'key' }, String(key)), valueOf(value, depth + 1));
  });
  body.append(...shown);
  const left = entries.length - from - ENTRIES;
  if (left <= 0) return;
  const more = button(`Show ${count(left)} more`, {
    class: 'more',
    onclick: () => {
      more.remove();
      addEntries(body, entries, from + ENTRIES, depth);
    },
  });
  body.append(more);
}
