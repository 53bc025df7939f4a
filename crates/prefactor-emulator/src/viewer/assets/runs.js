// The list of runs: filtered, searched, live.

import { getAgents, getRuns } from './api.js';
import { coalesced } from './coalesce.js';
import { button, h } from './dom.js';
import { count, counted, duration, moment, now } from './format.js';
import { addressOf, go } from './route.js';
import { VirtualList } from './virtual.js';
import { welcome } from './welcome.js';

const STATUSES = ['active', 'complete', 'failed', 'terminated', 'cancelled', 'pending'];

/** So many runs beyond each edge are loaded with those in sight. */
const AROUND = 60;

export class RunsPane {
  #filter = { search: '', status: '', agent: '' };
  #runs = [];
  #offset = 0;
  #opened;
  /** Where the keyboard is. */
  #current = -1;

  constructor(root) {
    this.search = h('input', {
      type: 'search', placeholder: 'Search runs', 'aria-label': 'Search runs', autocomplete: 'off', spellcheck: 'false',
      oninput: () => this.#narrow({ search: this.search.value }),
    });
    this.agents = h('select', {
      'aria-label': 'Agent', onchange: () => this.#narrow({ agent: this.agents.value }),
    });
    this.chips = h('div', { class: 'chips', role: 'group', 'aria-label': 'Status' });
    this.scroller = h('div', { class: 'scroller', role: 'list', 'aria-label': 'Runs' });
    this.empty = h('div', { class: 'none', hidden: true });
    root.append(
      h('div', { class: 'filters' }, h('div', { class: 'fields' }, this.search, this.agents), this.chips),
      this.scroller,
      this.empty,
    );
    this.list = new VirtualList(this.scroller, {
      create: createRow,
      fill: (row, index) => this.#fill(row, index),
      onWindow: (first, last) => {
        if (last > first && !(this.#at(first) && this.#at(last - 1))) this.refresh();
      },
    });
    this.refresh = coalesced(() => this.#load());
    // The durations of what goes on.
    setInterval(() => {
      if (this.#runs.some((run) => run.status === 'active')) this.list.refresh();
    }, 1000);
  }

  open(id) {
    this.#opened = id;
    this.list.refresh();
  }

  focusSearch() {
    this.search.focus();
    this.search.select();
  }

  /** Moves the keyboard's place. */
  move(step) {
    if (this.list.count === 0) return;
    this.#current = Math.max(0, Math.min(this.list.count - 1, this.#current + step));
    this.list.reveal(this.#current);
    this.list.refresh();
  }

  enter() {
    const run = this.#at(this.#current);
    if (run) go({ run: run.id });
  }

  clear() {
    this.search.value = '';
    this.#narrow({ search: '' });
  }

  #narrow(change) {
    Object.assign(this.#filter, change);
    this.#current = -1;
    this.list.scrollToTop();
    this.refresh();
  }

  async #load() {
    const [first, last] = this.list.window();
    const offset = Math.max(0, first - AROUND);
    const filter = Object.fromEntries(Object.entries(this.#filter).filter(([, value]) => value));
    const [page, agents] = await Promise.all([
      getRuns({ ...filter, offset, limit: Math.max(last - first, 20) + 2 * AROUND }),
      getAgents(),
    ]);
    this.#runs = page.runs;
    this.#offset = offset;
    this.#showAgents(agents);
    this.#showChips(page.by_status);
    this.#showEmptiness(page.total, Object.keys(filter).length > 0);
    this.list.setCount(page.total);
  }

  #at(index) {
    return this.#runs[index - this.#offset];
  }

  #showAgents(agents) {
    const options = agents
      .filter((agent) => agent.runs > 0 || agent.id === this.#filter.agent)
      .map((agent) => h('option', { value: agent.id }, `${agent.name} (${count(agent.runs)})`));
    const texts = (list) => list.map((option) => option.value + option.textContent).join('\n');
    const all = h('option', { value: '' }, 'All agents');
    // Only when something is new: an open menu would close.
    if (texts([all, ...options]) === texts([...this.agents.options])) return;
    this.agents.replaceChildren(all, ...options);
    this.agents.value = this.#filter.agent;
  }

  #showChips(byStatus) {
    const chosen = this.#filter.status;
    for (const status of STATUSES) {
      const number = byStatus[status] ?? 0;
      let chip = this.chips.querySelector(`[data-status="${status}"]`);
      if (!chip) {
        const choose = () => this.#narrow({ status: this.#filter.status === status ? '' : status });
        chip = button('', { class: 'chip', 'data-status': status, onclick: choose });
        this.chips.append(chip);
      }
      chip.replaceChildren(status, h('b', { class: 'numbers' }, count(number)));
      chip.hidden = number === 0 && status !== chosen;
      chip.setAttribute('aria-pressed', String(status === chosen));
    }
  }

  #showEmptiness(total, isFiltered) {
    this.empty.hidden = total > 0;
    this.scroller.hidden = total === 0;
    if (total > 0) return;
    const key = isFiltered ? 'No run fits the filter.' : 'No runs yet.';
    if (this.empty.dataset.key === key) return;
    this.empty.dataset.key = key;
    this.empty.replaceChildren(key, ...(isFiltered ? [] : [welcome()]));
  }

  #fill(row, index) {
    const run = this.#at(index);
    row.toggleAttribute('data-waiting', !run);
    row.classList.toggle('current', index === this.#current);
    if (!run) return;
    row.href = addressOf({ run: run.id });
    row.dataset.run = run.id;
    row.dataset.status = run.status;
    if (run.id === this.#opened) row.setAttribute('aria-current', 'true');
    else row.removeAttribute('aria-current');
    const { name, time, about, numbers } = row.parts;
    name.textContent = run.external_identifier ?? run.agent ?? 'agent';
    time.textContent = run.started_at ? lasted(run) : 'not started';
    const aside = run.external_identifier ? run.agent : null;
    about.textContent = [moment(run.started_at ?? run.inserted_at), aside, run.version, run.purpose === 'live' ? null : run.purpose]
      .filter(Boolean).join(' · ');
    numbers.replaceChildren(...(run.failed ? [h('em', {}, `${count(run.failed)} failed`), ' of '] : []), counted(run.spans, 'span'));
    row.title = `${run.status} · ${run.id}`;
  }
}

export function lasted(run) {
  return duration((run.finished_at ?? now()) - run.started_at);
}

function createRow() {
  const parts = {
    name: h('span', { class: 'name' }),
    time: h('span', { class: 'time numbers' }),
    about: h('span', { class: 'about numbers' }),
    numbers: h('span', { class: 'count numbers' }),
  };
  const row = h('a', { class: 'run', role: 'listitem' }, h('i', { class: 'mark' }), ...Object.values(parts));
  row.parts = parts;
  return row;
}
