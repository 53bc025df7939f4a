// What an operator sees and does, over plain HTTP with the account-wide token. It shares nothing with the client: what
// that reports is read back by other means.

export const URL = process.env.PREFACTOR_API_URL;
export const TOKEN = process.env.PREFACTOR_API_TOKEN;
const ACCOUNT_TOKEN = process.env.CONFORMANCE_ACCOUNT_TOKEN;

export async function call(method, path, body) {
  const answer = await fetch(`${URL}${path}`, {
    method,
    headers: { Authorization: `Bearer ${ACCOUNT_TOKEN}`, 'Content-Type': 'application/json' },
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

const list = async (path) => (await call('GET', `/api/v1/${path}&pagination[page_size]=100`)).summaries;

export const instance = async (id) => (await call('GET', `/api/v1/agent_instance/${id}`)).details;
export const instances = (agent) => list(`agent_instance?agent_id=${agent}`);
export const spans = (instance) => list(`agent_spans?agent_instance_id=${instance}`);
export const terminate = (id, reason) => call('POST', `/api/v1/agent_instance/${id}/terminate`, { reason });

/// A new agent's id. The client has no word for the run it started: it is the one its agent has.
export const createAgent = async (name) => (await call('POST', '/api/v1/agent', { details: { name } })).details.id;

/// The spans of a run as indented lines of name and status, in the order in which they arrived.
export async function tree(run) {
  const known = await spans(run);
  const below = (parent, depth) =>
    known
      .filter((span) => span.parent_span_id === parent)
      .flatMap((span) => [`${'  '.repeat(depth)}${span.schema_name} ${span.status}`, ...below(span.id, depth + 1)]);
  return below(null, 0);
}

/// Breaks the server as told, for as long as `work` runs.
export async function withFaults(document, work) {
  await call('PUT', '/__faults', document);
  try {
    return await work();
  } finally {
    await call('DELETE', '/__faults');
  }
}
