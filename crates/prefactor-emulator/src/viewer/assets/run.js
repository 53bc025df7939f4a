// One run: what it is, its waterfall, what can be done with it.

import { getRun } from './api.js';
import { coalesced } from './coalesce.js';
import { button, h, present, statusPill } from './dom.js';
import { count, counted, moment, now } from './format.js';
import { addressOf, go } from './route.js';
import { lasted } from './runs.js';
import { SpanTree } from './tree.js';
import { Waterfall } from './waterfall.js';
import { welcome } from './welcome.js';

/** A run that is still coming is shown again when it has grown so much. */
const GROWTH = 2;

export class RunPane {
  /** Undefined until the address was read. */
  #id;
  #run = null;
  #tree = new SpanTree();
  #cursor = null;
  /** So many spans were shown last. */
  #shown = 0;
  #details;
  #place = {};
  #terminate;

  constructor(root, { details, terminate }) {
    this.root = root;
    this.#details = details;
    this.#terminate = terminate;
    this.search = h('input', {
      type: 'search', placeholder: 'Search spans', 'aria-label': 'Search spans', autocomplete: 'off', spellcheck: 'false',
      oninput: () => this.#filter(),
    });
    this.head = h('header', { class: 'run-head' });
    this.body = h('div', { class: 'run-body', hidden: true });
    this.message = h('div', { class: 'none' });
    root.append(this.head, this.body, this.message);
    this.body.append(this.#toolbar());
    this.waterfall = new Waterfall(this.body, {
      onSelect: (span) => this.#details.isOpen && go({ run: this.#id, span: span.id }, { replace: true }),
      onOpen: (span) => go({ run: this.#id, span: span.id }, { replace: this.#details.isOpen }),
    });
    this.refresh = coalesced(() => this.#load());
    setInterval(() => this.#tick(), 500);
  }

  get isOpen() {
    return Boolean(this.#id);
  }

  /** Goes where the address says. */
  open(place) {
    this.#place = place;
    const id = place.run ?? null;
    if (id === this.#id) {
      this.#showDetails();
      return;
    }
    this.#id = id;
    this.#forget();
    this.#run = null;
    this.search.value = '';
    this.waterfall.filter(null);
    this.#details.close();
    this.head.replaceChildren();
    this.head.dataset.text = '';
    this.body.hidden = true;
    if (id) {
      this.message.hidden = true;
      this.refresh();
    } else this.#say(welcome());
  }

  focusSearch() {
    this.search.focus();
    this.search.select();
  }

  /** Takes a search back; `false` when there was none. */
  clear() {
    if (!this.search.value) return false;
    this.search.value = '';
    this.#filter();
    return true;
  }

  /** Opens the selected span. */
  enter() {
    const { selected } = this.waterfall;
    if (selected) go({ run: this.#id, span: selected.id }, { replace: this.#details.isOpen });
  }

  toggleCritical() {
    const isOn = this.waterfall.root.classList.toggle('shows-path');
    this.critical.setAttribute('aria-pressed', String(isOn));
  }

  async #load() {
    const id = this.#id;
    if (!id) return;
    let answer;
    do {
      try {
        answer = await getRun(id, this.#cursor);
      } catch (error) {
        if (id === this.#id && error.status === 404) this.#say('There is no such run: the emulator has forgotten it, or never knew it.');
        else throw error;
        return;
      }
      // Another run was opened meanwhile.
      if (id !== this.#id) return;
      if (answer.restart) this.#forget();
      this.#tree.apply(answer.rows);
      this.#cursor = answer.cursor;
      const hasChanged = answer.rows.length > 0 || !this.#run;
      this.#run = answer;
      // To lay out a run takes as long as it is: one that comes in many parts isn't laid out for each of them.
      if (answer.more && this.#tree.spans.length < GROWTH * this.#shown) continue;
      this.#shown = this.#tree.spans.length;
      this.#show(hasChanged);
    } while (answer.more);
  }

  #forget() {
    this.#tree = new SpanTree();
    this.#cursor = null;
    this.#shown = 0;
  }

  #show(hasNewRows) {
    this.#showHead();
    const isEmpty = this.#tree.spans.length === 0;
    this.body.hidden = isEmpty;
    if (isEmpty) this.#say(this.#run.status === 'pending' ? 'Not started yet.' : 'No spans yet.');
    else this.message.hidden = true;
    if (hasNewRows && !isEmpty) {
      const time = now();
      const extent = this.#tree.extent(time);
      this.waterfall.show(this.#tree, {
        titles: this.#run.titles,
        now: time,
        start: Math.min(extent.start, this.#run.started_at ?? Infinity),
        end: Math.max(extent.end, this.#run.finished_at ?? (this.#run.status === 'active' ? time : -Infinity)),
      });
    }
    this.#showDetails();
  }

  #showHead() {
    const run = this.#run;
    const isOver = !['active', 'pending'].includes(run.status);
    const facts = [
      run.external_identifier ? run.agent : null,
      run.version,
      run.purpose === 'live' ? null : run.purpose,
      run.started_at ? moment(run.started_at) : null,
      run.started_at ? lasted(run) : null,
      counted(run.spans, 'span'),
    ].filter(Boolean);
    const text = JSON.stringify([facts, run.status, run.failed, run.qualities, run.termination_reason]);
    // Whoever is about to press a button must not lose it.
    if (this.head.dataset.text === text) return;
    this.head.dataset.text = text;
    this.head.replaceChildren(...present([
      h('a', { class: 'back', href: addressOf({}), 'aria-label': 'All runs' }, '‹'),
      h('div', { class: 'title' },
        h('h1', {}, run.external_identifier ?? run.agent ?? 'Run'),
        statusPill(run.status),
        run.failed ? button(`${count(run.failed)} failed`, { class: 'failures', title: 'Next failure (f)', onclick: () => this.waterfall.nextFailure() }) : null),
      h('div', { class: 'actions' },
        button('About', { onclick: () => go({ run: run.id, about: true }) }),
        isOver ? null : button('Terminate', { class: 'danger', onclick: () => this.#terminate.open(run.id) })),
      h('p', { class: 'facts numbers' }, facts.join(' · ')),
      run.termination_reason ? h('p', { class: 'reason' }, `Terminated: ${run.termination_reason}`) : null,
      this.#qualities(),
    ]));
  }

  #qualities() {
    const entries = Object.entries(this.#run.qualities);
    if (entries.length === 0) return null;
    return h('div', { class: 'qualities' }, ...entries.map(([name, payload]) =>
      button(`${name} ${summaryOf(payload)}`, { class: 'chip', onclick: () => go({ run: this.#id, about: true }) })));
  }

  #showDetails() {
    const { span: id, about } = this.#place;
    if (!this.#run) return;
    if (about) this.#details.run(this.#run);
    else if (id) {
      const span = this.#tree.get(id);
      if (!span) return;
      if (this.waterfall.selected !== span) this.waterfall.select(span);
      this.#details.span(span, this.waterfall.titleOf(span));
    } else this.#details.close();
  }

  #filter() {
    const words = this.search.value.trim().toLowerCase();
    this.waterfall.filter(words ? (span, title) => {
      const texts = [span.name, title, span.status];
      // An id is pasted: a part from its middle would be found everywhere.
      return texts.some((text) => text.toLowerCase().includes(words)) || span.id.startsWith(words);
    } : null);
  }

  #tick() {
    if (this.#run?.status !== 'active' || document.hidden || this.#tree.spans.length === 0) return;
    this.#showHead();
    this.waterfall.tick(now());
  }

  #toolbar() {
    // The waterfall is made after its toolbar.
    const waterfall = () => this.waterfall;
    this.critical = button('Critical path', { 'aria-pressed': 'false', title: 'What made the run as long as it is (c)', onclick: () => this.toggleCritical() });
    return h('div', { class: 'toolbar' },
      this.search,
      h('div', { class: 'group' },
        button('Fold', { title: 'Fold all', onclick: () => waterfall().foldAll(true) }),
        button('Unfold', { title: 'Unfold all', onclick: () => waterfall().foldAll(false) })),
      this.critical,
      h('div', { class: 'group' },
        button('−', { title: 'Zoom out (-)', 'aria-label': 'Zoom out', onclick: () => waterfall().zoom(2) }),
        button('Fit', { title: 'The whole run (0)', onclick: () => waterfall().range.fit() }),
        button('+', { title: 'Zoom in (+)', 'aria-label': 'Zoom in', onclick: () => waterfall().zoom(0.5) })),
      h('p', { class: 'keys' }, '↑↓ move   ←→ fold   Enter open   f next failure   / search   Esc close'),
    );
  }

  #say(content) {
    this.message.hidden = false;
    this.message.replaceChildren(content);
  }
}

/** The score of a quality payload, or the first number, yes or no, or short word. */
function summaryOf(payload) {
  const isShort = (value) => ['number', 'boolean'].includes(typeof value) || (typeof value === 'string' && value.length < 24);
  return String([payload?.score, ...Object.values(payload ?? {})].find(isShort) ?? '');
}
