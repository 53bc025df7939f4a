// @prefactor/core: whole runs, by its tracer and its agent manager.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SpanContext, SpanType, createConfig, createCore, withSpan } from '@prefactor/core';

import * as api from './api.js';

const SCHEMA = {
  external_identifier: 'schemas-1',
  span_type_schemas: [
    { name: 'agent', title: 'Agent', params_schema: { type: 'object' } },
    { name: 'llm', title: 'LLM call', params_schema: { type: 'object' }, result_schema: { type: 'object' } },
  ],
};

/// A runtime for a new agent, with retries that come at once.
async function core(changes = {}) {
  const agentId = await api.createAgent('TypeScript');
  const httpConfig = {
    apiUrl: api.URL,
    apiToken: api.TOKEN,
    agentId,
    agentIdentifier: 'v1',
    agentName: 'Writer',
    initialRetryDelay: 10,
    maxRetryDelay: 50,
    ...changes,
  };
  const runtime = createCore(createConfig({ httpConfig }));
  return { ...runtime, runs: () => api.instances(agentId) };
}

/// The one run of a runtime, after the client has sent everything.
async function finished(runtime) {
  await runtime.shutdown();
  const [run, ...others] = await runtime.runs();
  assert.deepEqual(others, []);
  return run;
}

test('typescript runs: a run reads back with its tree', async () => {
  const runtime = await core();
  runtime.agentManager.registerSchema(SCHEMA);
  runtime.agentManager.startInstance();

  const answer = await withSpan(
    runtime.tracer,
    { name: 'root', spanType: SpanType.AGENT, inputs: { question: 'why?' } },
    () => withSpan({ name: 'think', spanType: SpanType.LLM, inputs: { prompt: 'é 🦀' } }, async () => ({ text: 'because' })),
  );
  runtime.agentManager.finishInstance();

  assert.deepEqual(answer, { text: 'because' });
  const run = await finished(runtime);
  assert.equal(run.status, 'complete');
  assert.ok(run.started_at && run.finished_at);
  assert.deepEqual(await api.tree(run.id), ['agent complete', '  llm complete']);
  const [root, llm] = await api.spans(run.id);
  assert.deepEqual([root.schema_title, llm.schema_title], ['Agent', 'LLM call']);
  assert.deepEqual(root.payload.inputs, { question: 'why?' });
  assert.deepEqual(root.result_payload, { text: 'because' });
  assert.deepEqual([llm.payload.inputs, llm.payload.outputs], [{ prompt: 'é 🦀' }, { text: 'because' }]);
  assert.deepEqual(llm.result_payload, { text: 'because' });
  assert.ok(llm.started_at <= llm.finished_at);
});

test('typescript runs: children that end before their parents find them', async () => {
  const runtime = await core();
  runtime.agentManager.registerSchema(SCHEMA);
  runtime.agentManager.startInstance();

  await withSpan(runtime.tracer, { name: 'outer', spanType: SpanType.CHAIN, inputs: {} }, () =>
    withSpan({ name: 'middle', spanType: SpanType.CHAIN, inputs: {} }, async () => {
      await withSpan({ name: 'one', spanType: SpanType.TOOL, inputs: {} }, () => 1);
      await withSpan({ name: 'two', spanType: SpanType.TOOL, inputs: {} }, () => 2);
    }),
  );
  runtime.agentManager.finishInstance();

  const run = await finished(runtime);
  assert.equal(run.status, 'complete');
  assert.deepEqual(await api.tree(run.id), ['chain complete', '  chain complete', '    tool complete', '    tool complete']);
});

test('typescript runs: failures carry their error', async () => {
  const runtime = await core();
  runtime.agentManager.registerSchema(SCHEMA);
  runtime.agentManager.startInstance();

  const root = runtime.tracer.startSpan({ name: 'root', spanType: SpanType.AGENT, inputs: {} });
  const failing = SpanContext.runAsync(root, () =>
    withSpan({ name: 'open', spanType: SpanType.TOOL, inputs: {} }, () => {
      throw new TypeError('no such file');
    }),
  );
  await assert.rejects(failing, { message: 'no such file' });
  runtime.tracer.endSpan(root, { error: new Error('gave up') });
  runtime.agentManager.finishInstance();

  const run = await finished(runtime);
  assert.deepEqual(await api.tree(run.id), ['agent failed', '  tool failed']);
  const [agent, tool] = await api.spans(run.id);
  assert.equal(agent.result_payload.message, 'gave up');
  assert.deepEqual([tool.result_payload.error_type, tool.result_payload.message], ['TypeError', 'no such file']);
  assert.equal(tool.payload.error.error_type, 'TypeError');
});

test('typescript runs: token usage and metadata arrive', async () => {
  const runtime = await core({ agentSchema: SCHEMA });
  runtime.agentManager.startInstance();

  const span = runtime.tracer.startSpan({ name: 'think', spanType: SpanType.LLM, inputs: {}, metadata: { model: 'm' } });
  runtime.tracer.endSpan(span, { outputs: {}, tokenUsage: { promptTokens: 3, completionTokens: 4, totalTokens: 7 } });
  runtime.agentManager.finishInstance();

  const [{ payload }] = await api.spans((await finished(runtime)).id);
  assert.deepEqual(payload.metadata, { model: 'm' });
  assert.deepEqual(payload.token_usage, { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 });
});

test('typescript runs: a span that nobody started a run for registers one', async () => {
  const runtime = await core({ agentSchema: SCHEMA });

  await withSpan(runtime.tracer, { name: 'alone', spanType: SpanType.TOOL, inputs: {} }, () => 'done');

  const run = await finished(runtime);
  assert.equal(run.status, 'pending');
  assert.deepEqual(await api.tree(run.id), ['tool complete']);
});

test('typescript runs: several runs of one runtime are several instances of one version', async () => {
  const runtime = await core();
  runtime.agentManager.registerSchema(SCHEMA);
  for (let run = 0; run < 3; run += 1) {
    runtime.agentManager.startInstance();
    await withSpan(runtime.tracer, { name: 'step', spanType: SpanType.TOOL, inputs: { run } }, () => run);
    runtime.agentManager.finishInstance();
  }
  await runtime.shutdown();

  const runs = await runtime.runs();
  assert.deepEqual(runs.map((run) => run.status), ['complete', 'complete', 'complete']);
  assert.equal(new Set(runs.map((run) => run.agent_version_id)).size, 1);
  for (const [index, run] of runs.entries()) {
    assert.deepEqual((await api.spans(run.id)).map((span) => span.payload.inputs), [{ run: index }]);
  }
});

test('typescript runs: an outage is survived', async () => {
  const runtime = await core({ agentSchema: SCHEMA });

  const run = await api.withFaults({ server_error: { status: 503, times: 1 }, drop_before: { times: 2 } }, () => {
    runtime.agentManager.startInstance();
    const span = runtime.tracer.startSpan({ name: 'step', spanType: SpanType.TOOL, inputs: {} });
    runtime.tracer.endSpan(span, {});
    runtime.agentManager.finishInstance();
    return runtime.shutdown();
  }).then(() => finished(runtime));

  assert.equal(run.status, 'complete');
  assert.deepEqual(await api.tree(run.id), ['tool complete']);
});
