// The keyboard: what a key means depends on whether a run is open.

import { addressOf, go, here } from './route.js';

export function setUpKeys({ runs, run, details }) {
  const inRun = {
    ArrowDown: () => run.waterfall.move(1),
    ArrowUp: () => run.waterfall.move(-1),
    PageDown: () => run.waterfall.move(20),
    PageUp: () => run.waterfall.move(-20),
    ArrowLeft: () => run.waterfall.left(),
    ArrowRight: () => run.waterfall.right(),
    Enter: () => run.enter(),
    c: () => run.toggleCritical(),
    f: () => run.waterfall.nextFailure(),
    '+': () => run.waterfall.zoom(0.5),
    '=': () => run.waterfall.zoom(0.5),
    '-': () => run.waterfall.zoom(2),
    0: () => run.waterfall.range.fit(),
    '/': () => run.focusSearch(),
  };
  const inList = {
    ArrowDown: () => runs.move(1),
    ArrowUp: () => runs.move(-1),
    Enter: () => runs.enter(),
    '/': () => runs.focusSearch(),
  };

  /** Leaves the innermost: a field, the details, a search, the run. */
  function escape(field) {
    if (field) {
      field.blur();
      return;
    }
    if (details.isOpen) go({ run: here().run });
    else if (run.isOpen && !run.clear()) location.hash = addressOf({});
    else if (!run.isOpen) runs.clear();
  }

  addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
    const target = event.target;
    const field = target instanceof HTMLInputElement || target instanceof HTMLSelectElement ? target : null;
    if (event.key === 'Escape') {
      escape(field);
      event.preventDefault();
      return;
    }
    // From a search to what it found.
    const leavesField = field?.type === 'search' && (event.key === 'ArrowDown' || event.key === 'Enter');
    if (field && !leavesField) return;
    const isOnControl = target instanceof HTMLButtonElement || target instanceof HTMLAnchorElement || target.closest('summary');
    if (event.key === 'Enter' && isOnControl) return;
    // Keys that scroll keep doing so in the details.
    if (target.closest?.('#details') && event.key !== '/') return;
    const isOfList = !run.isOpen || field === runs.search;
    const action = (isOfList ? inList : inRun)[event.key === 'Enter' && leavesField ? 'ArrowDown' : event.key];
    if (!action) return;
    if (field) field.blur();
    action();
    event.preventDefault();
  });
}
