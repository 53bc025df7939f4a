// Where the page is, kept in the address: `#/`, `#/runs/ID`, `#/runs/ID/about`, `#/runs/ID/spans/ID`.

/** `{ run, span, about }` of the address. */
export function here() {
  const [, runs, run, part, span] = location.hash.slice(1).split('/');
  if (runs !== 'runs' || !run) return {};
  return { run, span: part === 'spans' ? span : undefined, about: part === 'about' };
}

export function addressOf({ run, span, about }) {
  if (!run) return '#/';
  if (span) return `#/runs/${run}/spans/${span}`;
  return about ? `#/runs/${run}/about` : `#/runs/${run}`;
}

/** Goes somewhere; `replace` leaves no step to go back to. */
export function go(place, { replace = false } = {}) {
  const address = addressOf(place);
  if (address === location.hash) return;
  if (replace) location.replace(address);
  else location.hash = address;
}

export function onMove(listener) {
  addEventListener('hashchange', listener);
}
