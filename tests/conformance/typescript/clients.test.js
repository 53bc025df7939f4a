// @prefactor/core: its HTTP clients, call by call; and through them what it has no words of its own for.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { AgentInstanceClient, AgentSpanClient, HttpClient, HttpClientError, HttpTransportConfigSchema } from '@prefactor/core';

import * as api from './api.js';

function clients(changes = {}) {
  const config = { apiUrl: api.URL, apiToken: api.TOKEN, initialRetryDelay: 10, maxRetryDelay: 50, ...changes };
  const http = new HttpClient(HttpTransportConfigSchema.parse(config));
  return { http, instances: new AgentInstanceClient(http), spans: new AgentSpanClient(http) };
}

const { http, instances, spans } = clients();
const VERSION = { agent_version: { name: 'Writer', external_identifier: 'v1', description: '' } };

async function started() {
  const { details } = await instances.register(VERSION);
  await instances.start(details.id);
  return details.id;
}

const details = (run, fields = {}) => ({
  details: { agent_instance_id: run, schema_name: 'llm', status: 'active', payload: {}, parent_span_id: null, finished_at: null, ...fields },
});

const post = (path, body) => http.request(`/api/v1/${path}`, { method: 'POST', body });

async function refused(call, status, code, retryable = false) {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof HttpClientError);
    assert.equal(error.status, status);
    assert.equal(error.responseBody.status, 'error');
    assert.equal(error.responseBody.code, code);
    assert.equal(error.retryable, retryable);
    return true;
  });
}

test('typescript clients: a run and its span go from start to end', async () => {
  const { status, details: run } = await instances.register(VERSION);
  assert.deepEqual([status, run.status], ['success', 'pending']);
  assert.equal((await instances.start(run.id)).details.status, 'active');
  const span = await spans.create(details(run.id));
  await spans.finish(span.details.id, '2026-03-01T12:00:00.250Z', { status: 'failed', result_payload: { error: 'none' } });
  assert.equal((await instances.finish(run.id, { status: 'failed' })).details.status, 'failed');

  const [seen] = await api.spans(run.id);
  assert.deepEqual([seen.status, seen.result_payload], ['failed', { error: 'none' }]);
  assert.equal(Date.parse(seen.finished_at), Date.parse('2026-03-01T12:00:00.250Z'));
  assert.equal((await api.instance(run.id)).status, 'failed');
});

test('typescript clients: what has not started can be cancelled', async () => {
  const { details: run } = await instances.register(VERSION);
  const span = await spans.create(details(run.id, { status: 'pending' }));

  await spans.finish(span.details.id, new Date().toISOString(), { status: 'cancelled' });
  await instances.finish(run.id, { status: 'cancelled' });

  assert.deepEqual(await api.tree(run.id), ['llm cancelled']);
  assert.equal((await api.instance(run.id)).status, 'cancelled');
});

test('typescript clients: a span that has ended already is as good as finished', async () => {
  const span = await spans.create(details(await started(), { status: 'complete', result_payload: {} }));

  await spans.finish(span.details.id, new Date().toISOString(), { status: 'complete' });
});

test('typescript clients: a key beside the details has no second effect', async () => {
  const run = await started();
  const body = { ...details(run), idempotency_key: randomUUID() };

  const [first, second] = [await spans.create(body), await spans.create(body)];

  assert.deepEqual(first, second);
  assert.equal((await api.spans(run)).length, 1);
});

test('typescript clients: every class of error has its status and code', async () => {
  const run = await started();
  const key = randomUUID();
  await instances.start((await instances.register(VERSION)).details.id, { idempotency_key: key });

  await refused(clients({ apiToken: 'who-is-this' }).http.request('/api/v1/ping'), 401, 'bad_authtoken');
  await refused(http.request('/api/v1/agent'), 403, 'unauthorized');
  await refused(instances.start('no-id-at-all'), 404, 'not_found');
  await refused(http.request('/api/v1/no/such/place'), 404, 'not_found');
  await refused(http.request('/api/v1/ping', { method: 'DELETE' }), 405, 'method_not_allowed');
  await refused(instances.start(run), 409, 'invalid_action');
  await refused(instances.finish(run, { idempotency_key: key }), 409, 'conflict');
  await refused(post('agent_spans', [1]), 400, 'bad_request');
  await refused(spans.create(details(run, { status: 'sleepy' })), 422, 'validation_errors');
  await api.withFaults({ max_body_bytes: 50 }, () => refused(spans.create(details(run)), 413, 'payload_too_large'));
  await api.withFaults({ too_many_requests: {} }, () => refused(instances.start(run), 429, 'too_many_requests', true));
  await api.withFaults({ server_error: { status: 503 } }, () =>
    refused(instances.start(run), 503, 'service_unavailable', true),
  );
});

test('typescript clients: faults that pass are survived, and nothing is doubled', async () => {
  for (const fault of [
    { too_many_requests: { times: 2, retry_after: { http_date: 1 } } },
    { server_error: { times: 2 } },
    { html_body: { times: 2 } },
    { drop_before: { times: 2 } },
    { drop_after: { times: 2 } },
  ]) {
    const run = await started();
    await api.withFaults(fault, () => spans.create({ ...details(run), idempotency_key: randomUUID() }));
    assert.equal((await api.spans(run)).length, 1, JSON.stringify(fault));
  }
});

test('typescript clients: a page of a proxy and a server that never answers are errors', async () => {
  const hasty = clients({ requestTimeout: 100, maxRetries: 1 });
  await api.withFaults({ html_body: { status: 404 } }, () =>
    assert.rejects(http.request('/api/v1/ping'), { name: 'HttpClientError', status: 404, responseBody: /<html>/ }),
  );
  await api.withFaults({ black_hole: true }, () =>
    assert.rejects(hasty.http.request('/api/v1/ping'), { name: 'HttpClientError', status: undefined }),
  );
});

test('typescript clients: qualities are recorded and cleared', async () => {
  const run = await started();

  await post(`agent_instance/${run}/record_quality`, { name: 'grade', payload: { score: 1 } });
  await post(`agent_instance/${run}/record_quality`, { name: 'tone', payload: { polite: true } });
  await post(`agent_instance/${run}/record_quality`, { name: 'grade', payload: null });

  assert.deepEqual((await api.instance(run)).quality_payloads, { tone: { polite: true } });
});

test('typescript clients: a bulk request stops at the first failing item', async () => {
  const run = await started();
  const item = (key, fields) => ({ _type: 'agent_spans/create', idempotency_key: `${key}-${run}`, ...details(run, fields) });
  const good = item('good');
  const send = async (...items) => (await post('bulk', { items })).outputs;

  const first = await send(good);
  const second = await send(good, item('other'), item('orphan', { parent_span_id: run }), item('never'));

  assert.deepEqual(second[good.idempotency_key], first[good.idempotency_key]);
  assert.deepEqual(Object.values(second).map((output) => output.code ?? output.status), ['success', 'success', 'validation_errors']);
  assert.equal((await api.spans(run)).length, 2);
});

test('typescript clients: span calls tell that the run was ended', async () => {
  const run = await started();
  assert.equal((await spans.create(details(run))).control, undefined);

  await api.terminate(run, 'too expensive');

  assert.deepEqual((await spans.create(details(run))).control, { terminate: true, reason: 'too expensive' });
  await refused(instances.finish(run), 409, 'invalid_action');
});
