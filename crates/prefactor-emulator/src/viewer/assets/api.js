// What the page asks its emulator.

/** An answer that was no success: its message says why. */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export const getAgents = () => ask('agents').then(JSON.parse);

export const getRuns = (filter) => ask(`runs?${new URLSearchParams(filter)}`).then(JSON.parse);

/** A run with those of its spans that are new or have changed since the cursor's answer. */
export function getRun(id, cursor) {
  const query = cursor ? `?${new URLSearchParams({ after: cursor })}` : '';
  return ask(`runs/${encodeURIComponent(id)}${query}`).then(JSON.parse);
}

/** The text of a span's JSON, for numbers lose digits when they are parsed. */
export const getSpanText = (id) => ask(`spans/${encodeURIComponent(id)}`);

export function terminate(id, reason) {
  return ask(`runs/${encodeURIComponent(id)}/terminate`, {
    method: 'POST',
    // No other site's page can send this header.
    headers: { 'Content-Type': 'application/json', 'X-Prefactor-Viewer': '1' },
    body: JSON.stringify({ reason }),
  });
}

async function ask(path, options) {
  const answer = await fetch(`/__viewer/${path}`, options);
  const text = await answer.text();
  if (!answer.ok) throw new Refused(answer.status, messageOf(text));
  return text;
}

function messageOf(text) {
  try {
    return JSON.parse(text).message;
  } catch {
    return text;
  }
}
