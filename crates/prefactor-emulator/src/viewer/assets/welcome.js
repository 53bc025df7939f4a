// What there is to read before there is a run.

import { h } from './dom.js';

export function welcome() {
  const lines = [`export PREFACTOR_API_URL=${location.origin}`, 'export PREFACTOR_API_TOKEN=emulator-token   # or what --token said'];
  return h('div', { class: 'welcome' },
    h('h2', {}, 'Runs appear here while they happen'),
    h('p', {}, 'Point an SDK at this emulator, then open a run from the list.'),
    h('pre', {}, lines.join('\n')));
}
