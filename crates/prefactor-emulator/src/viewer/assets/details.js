// What there is to know of a span or of a run, beside the waterfall.

import { getSpanText } from './api.js';
import { button, h, statusPill } from './dom.js';
import { counted, duration, exact } from './format.js';
import { parseExactly, showJson } from './json.js';

export class Details {
  #root;
  #onClose;
  /** What is shown, so that it isn't made anew when nothing has changed. */
  #shown = '';
  #asked = 0;

  constructor(root, { onClose }) {
    this.#root = root;
    this.#onClose = onClose;
  }

  get isOpen() {
    return !this.#root.hidden;
  }

  close() {
    this.#asked += 1;
    this.#shown = '';
    this.#root.hidden = true;
    this.#root.replaceChildren();
  }

  /** Shows a span; `row` is what the waterfall knows of it. */
  async span(row, title) {
    const version = `${row.id} ${row.status}`;
    if (version === this.#shown) return;
    const isSameSpan = this.#shown.startsWith(row.id);
    this.#shown = version;
    this.#asked += 1;
    const asked = this.#asked;
    let text;
    try {
      text = await getSpanText(row.id);
    } catch (error) {
      if (asked === this.#asked) this.#show('Span', row.status, [h('p', { class: 'error' }, error.message)], isSameSpan);
      return;
    }
    // Another one was asked for meanwhile.
    if (asked !== this.#asked) return;
    this.#show(title, row.status, spanParts(text), isSameSpan);
  }

  run(run) {
    const facts = [
      ['Agent', run.agent], ['Version', run.version], ['Identifier', run.external_identifier], ['Purpose', run.purpose],
      ['Run', code(run.id)], ['Agent id', code(run.agent_id)],
      ['Registered', time(run.inserted_at)], ['Started', time(run.started_at)], ['Ended', time(run.finished_at)],
      ['Spans', counted(run.spans, 'span')], ['Reason', run.termination_reason],
    ];
    const key = `run ${JSON.stringify([facts.map(([, fact]) => fact?.textContent ?? fact), run.qualities])}`;
    if (key === this.#shown) return;
    const isSame = this.#shown.startsWith('run');
    this.#shown = key;
    this.#asked += 1;
    const qualities = Object.entries(run.qualities).map(([name, payload]) => section(name, showJson(payload), JSON.stringify(payload, null, 2)));
    const heading = qualities.length > 0 ? [h('h3', { class: 'group' }, 'Quality')] : [];
    this.#show('About this run', run.status, [factList(facts), ...heading, ...qualities], isSame);
  }

  #show(title, status, parts, keepsPlace) {
    const place = keepsPlace ? this.#root.scrollTop : 0;
    this.#root.hidden = false;
    this.#root.replaceChildren(
      h('header', {},
        h('h2', {}, title),
        statusPill(status),
        button('✕', { class: 'quiet close', 'aria-label': 'Close', title: 'Close (Esc)', onclick: this.#onClose })),
      ...parts,
    );
    this.#root.scrollTop = place;
  }
}

function spanParts(text) {
  let span;
  try {
    span = parseExactly(text);
  } catch {
    // It nests deeper than this browser reads.
    return [h('pre', { class: 'raw' }, text)];
  }
  const length = span.started_at && span.finished_at ? duration((Date.parse(span.finished_at) - Date.parse(span.started_at)) * 1000) : null;
  const facts = factList([
    ['Type', span.schema_title ? span.schema_name : null],
    ['Duration', length],
    ['Started', exact(span.started_at)], ['Ended', exact(span.finished_at)],
    ['Span', code(span.id)], ['Parent', span.parent_span_id ? code(span.parent_span_id) : null],
  ]);
  const parts = [facts, section('Payload', showJson(span.payload), pretty(text, 'payload', span))];
  if (span.result_payload !== null) {
    parts.push(section('Result', showJson(span.result_payload), pretty(text, 'result_payload', span)));
  }
  return parts;
}

/** For the clipboard: numbers as they were written, where the browser can. */
function pretty(text, field, span) {
  const exactly = (key, value) => (value?.source !== undefined && JSON.rawJSON ? JSON.rawJSON(value.source) : value);
  return JSON.stringify(span[field], exactly, 2);
}

function section(title, content, copied) {
  const copy = button('Copy', {
    class: 'quiet copy',
    onclick: async () => {
      try {
        await navigator.clipboard.writeText(copied);
        copy.textContent = 'Copied';
      } catch {
        copy.textContent = 'Not allowed';
      }
      setTimeout(() => { copy.textContent = 'Copy'; }, 1500);
    },
  });
  return h('section', {}, h('header', {}, h('h3', {}, title), copy), content);
}

function factList(facts) {
  const known = facts.filter(([, fact]) => fact !== null && fact !== undefined);
  return h('dl', {}, ...known.flatMap(([name, fact]) => [h('dt', {}, name), h('dd', { class: 'numbers' }, fact)]));
}

function code(text) {
  return h('code', {}, text);
}

function time(micros) {
  return micros ? exact(new Date(micros / 1000).toISOString()) : null;
}
