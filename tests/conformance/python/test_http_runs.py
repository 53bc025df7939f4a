"""prefactor-http: whole runs, call by call."""

import uuid

import api
from fixtures import SCHEMAS, VERSION, HttpTest, seconds


class Runs(HttpTest):
    async def test_the_token_is_valid(self):
        self.assertIsInstance(await self.client.validate_token(), dict)

    async def test_a_run_reads_back_as_it_was_reported(self):
        instances, spans = self.client.agent_instances, self.client.agent_spans
        run = await instances.register(VERSION, SCHEMAS, purpose="eval", external_identifier=str(uuid.uuid4()))
        self.assertEqual((run.status, run.started_at, run.finished_at), ("pending", None, None))

        started = await instances.start(run.id, timestamp=seconds(0))
        llm = await spans.create(run.id, "agent:llm", "active", {"prompt": "why?"}, started_at=seconds(1))
        tool = await spans.create(run.id, "agent:tool", "active", {"q": ["a", None, 1.5]}, parent_span_id=llm.id)
        failed = await spans.finish(tool.id, "failed", {"error": "no such file"}, timestamp=seconds(2))
        await spans.finish(llm.id, "complete", {"answer": "é 🦀"}, timestamp=seconds(3))
        finished = await instances.finish(run.id, "complete", timestamp=seconds(4))

        self.assertEqual((started.status, started.started_at), ("active", seconds(0)))
        self.assertEqual((failed.status, failed.finished_at), ("failed", seconds(2)))
        self.assertEqual((finished.status, finished.finished_at), ("complete", seconds(4)))
        self.assertEqual(api.tree(run.id), ["agent:llm complete", "  agent:tool failed"])
        seen = api.instance(run.id)
        self.assertEqual((seen["purpose"], seen["external_identifier"]), ("eval", run.external_identifier))
        self.assertEqual(api.moment(seen["started_at"]), seconds(0))
        self.assertEqual(api.moment(seen["finished_at"]), seconds(4))
        counts = {"total": 2, "active": 0, "complete": 1, "failed": 1, "cancelled": 0, "finished": 2}
        self.assertEqual(finished.span_counts.model_dump(), counts)
        self.assertLessEqual(counts.items(), seen["span_counts"].items())
        one, two = api.spans(run.id)
        self.assertEqual((one["payload"], one["result_payload"]), ({"prompt": "why?"}, {"answer": "é 🦀"}))
        self.assertEqual((two["payload"], two["result_payload"]["error"]), ({"q": ["a", None, 1.5]}, "no such file"))
        self.assertEqual((api.moment(one["started_at"]), api.moment(one["finished_at"])), (seconds(1), seconds(3)))
        self.assertEqual(one["account_id"], run.account_id)
        self.assertEqual(one["agent_id"], run.agent_id)

    async def test_a_span_has_the_title_of_its_type_or_else_its_name(self):
        run = await self.started()

        llm = await self.span(run)
        tool = await self.span(run, schema_name="agent:tool")

        self.assertEqual((llm.schema_title, tool.schema_title), ("LLM call", "agent:tool"))

    async def test_what_has_not_started_can_be_cancelled(self):
        run = await self.client.agent_instances.register(VERSION, SCHEMAS)
        span = await self.span(run.id, status="pending")
        self.assertIsNone(span.started_at)

        await self.client.agent_spans.finish(span.id, "cancelled")
        await self.client.agent_instances.finish(run.id, "cancelled")

        self.assertEqual(api.instance(run.id)["status"], "cancelled")
        self.assertIsNone(api.instance(run.id)["started_at"])
        self.assertEqual(api.tree(run.id), ["agent:llm cancelled"])

    async def test_what_is_active_can_be_cancelled_too(self):
        run = await self.started()
        span = await self.span(run)

        await self.client.agent_spans.finish(span.id, "cancelled")
        await self.client.agent_instances.finish(run, "cancelled")

        self.assertEqual((api.instance(run)["status"], api.tree(run)), ("cancelled", ["agent:llm cancelled"]))

    async def test_a_span_is_born_finished(self):
        run = await self.started()

        for status in ("complete", "failed"):
            times = {"started_at": seconds(1), "finished_at": seconds(2)}
            await self.span(run, status=status, result_payload={"is": status}, **times)

        self.assertEqual(api.tree(run), ["agent:llm complete", "agent:llm failed"])
        for span in api.spans(run):
            self.assertEqual(span["result_payload"], {"is": span["status"]})
            self.assertEqual(api.moment(span["finished_at"]), seconds(2))

    async def test_a_finish_says_complete_unless_told_otherwise(self):
        run = await self.started()
        span = await self.span(run)

        await self.client.agent_spans.finish(span.id)
        await self.client.agent_instances.finish(run)

        self.assertEqual((api.instance(run)["status"], api.tree(run)), ("complete", ["agent:llm complete"]))

    async def test_spans_come_before_the_start_and_after_the_finish_of_their_run(self):
        run = await self.client.agent_instances.register(VERSION, SCHEMAS)
        early = await self.span(run.id)
        await self.client.agent_instances.start(run.id)
        await self.client.agent_instances.finish(run.id)

        await self.client.agent_spans.finish(early.id)
        await self.span(run.id, status="complete")

        self.assertEqual(api.tree(run.id), ["agent:llm complete", "agent:llm complete"])

    async def test_the_client_chooses_ids(self):
        mine = api.fresh_id((await self.client.agent_instances.register(VERSION, SCHEMAS)).id)
        run = await self.client.agent_instances.register(VERSION, SCHEMAS, id=mine)
        span = await self.span(run.id, id=api.fresh_id(mine))

        self.assertEqual(run.id, mine)
        self.assertEqual([seen["id"] for seen in api.spans(mine)], [span.id])

    async def test_qualities_are_recorded_replaced_and_cleared(self):
        run = await self.started()
        record = self.client.agent_instances.record_quality

        await record(run, "grade", {"score": 1})
        await record(run, "grade", {"score": 2})
        both = await record(run, "tone", {"polite": True})
        self.assertEqual(both.quality_payloads, {"grade": {"score": 2}, "tone": {"polite": True}})
        self.assertEqual(both.quality_summaries.keys(), {"grade", "tone"})
        await record(run, "grade", None)

        self.assertEqual(api.instance(run)["quality_payloads"], {"tone": {"polite": True}})

    async def test_an_account_token_names_the_agent(self):
        known = await self.client.agent_instances.register(VERSION, SCHEMAS)
        agent = api.create_agent("Elsewhere")

        run = await self.account.agent_instances.register(
            VERSION, SCHEMAS, agent_id=agent, environment_id=known.environment_id, update_current_version=False
        )

        self.assertEqual((run.agent_id, run.environment_id), (agent, known.environment_id))
        self.assertEqual([seen["id"] for seen in api.instances(agent)], [run.id])

    async def test_a_key_that_was_seen_has_no_second_effect(self):
        key, run = str(uuid.uuid4()), await self.started()

        async def twice(action, *args, **fields):
            fields["idempotency_key"] = str(uuid.uuid4())
            first = await action(*args, **fields)
            second = await action(*args, **fields)
            self.assertEqual(first, second)
            return first

        other = await twice(self.client.agent_instances.register, VERSION, SCHEMAS)
        await twice(self.client.agent_instances.start, other.id)
        span = await twice(self.client.agent_spans.create, run, "agent:llm", "active")
        await twice(self.client.agent_spans.finish, span.id, "failed", {"error": key})
        await twice(self.client.agent_instances.record_quality, run, "grade", {"score": 1})
        await twice(self.client.agent_instances.finish, run, "failed")

        self.assertEqual(api.tree(run), ["agent:llm failed"])

    async def test_a_repeated_creation_shows_what_the_first_one_showed(self):
        run, key = await self.started(), str(uuid.uuid4())
        created = await self.span(run, idempotency_key=key)
        await self.client.agent_spans.finish(created.id)

        again = await self.span(run, idempotency_key=key)

        self.assertEqual((again.id, again.status, again.finished_at), (created.id, "active", None))
