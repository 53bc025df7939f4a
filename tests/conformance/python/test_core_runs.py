"""prefactor-core: whole runs, as its README describes them."""

import asyncio
import unittest

from prefactor_core import PrefactorCoreClient, PrefactorCoreConfig, QueueConfig, SchemaRegistry
from prefactor_core.exceptions import PrefactorTelemetryFailureError
from prefactor_http import PrefactorAuthError, PrefactorHttpClient, PrefactorNotFoundError

import api
from fixtures import LIMIT, SCHEMAS, VERSION, config, seconds


def registry():
    schemas = SchemaRegistry()
    schemas.register_type("agent:llm", {"type": "object"}, {"type": "object"}, title="LLM call", template="{{prompt}}")
    schemas.register("agent:flat", {"type": "object"})
    schemas.register_result("agent:flat", {"type": "object"})
    tools = SchemaRegistry()
    tools.register_type("agent:tool", {"type": "object"}, title="Tool call", data_risk={
        "action_profile": {"read_data": "allowed"}, "params_data_categories": {}, "result_data_categories": {},
    })
    tools.register_quality_schema("grade", {"type": "object"}, title="Grade")
    schemas.merge(tools)
    return schemas


def client(token=api.TOKEN, **http):
    """One worker: with more, the client itself may send the finish of an empty run before its start."""
    queue = QueueConfig(num_workers=1, retry_delay_base=0.01)
    http = config(token, **http)
    return PrefactorCoreClient(PrefactorCoreConfig(http_config=http, queue_config=queue, schema_registry=registry()))


async def reached(run, status):
    """Waits until the queue has brought a run so far."""
    async with asyncio.timeout(LIMIT), PrefactorHttpClient(config()) as reader:
        while (await reader.agent_instances.get(run)).status != status:
            await asyncio.sleep(0.01)


class Runs(unittest.IsolatedAsyncioTestCase):
    async def test_a_run_reads_back_with_its_tree(self):
        async with client() as prefactor:
            run = await prefactor.create_agent_instance(VERSION, purpose="smoke_test")
            await run.start()
            async with run.span("agent:llm") as llm:
                await llm.start({"prompt": "why?"})
                async with run.span("agent:tool", payload={"name": "search"}) as tool:
                    tool.set_result({"hits": 3})
                async with run.span("agent:tool") as tool:
                    await tool.start({"name": "open"})
                    await tool.fail({"error": "no such file"})
                await llm.complete({"answer": "because"})
            await run.finish()

        seen = api.instance(run.id)
        self.assertEqual((seen["status"], seen["purpose"]), ("complete", "smoke_test"))
        # The first tool is never started by hand: it is sent when it ends.
        self.assertEqual(api.tree(run.id), ["agent:llm complete", "  agent:tool complete", "  agent:tool failed"])
        llm, search, opened = api.spans(run.id)
        self.assertEqual((llm["payload"], llm["result_payload"]), ({"prompt": "why?"}, {"answer": "because"}))
        self.assertEqual((search["payload"], search["result_payload"]), ({"name": "search"}, {"hits": 3}))
        self.assertEqual(opened["result_payload"], {"error": "no such file"})

    async def test_the_schema_registry_names_the_spans(self):
        async with client() as prefactor:
            run = await prefactor.create_agent_instance(VERSION, external_schema_version_id="schemas-2")
            for name in ("agent:llm", "agent:tool", "agent:flat"):
                await run.finish_span(await run.create_span(name))
            await run.record_quality("grade", {"score": 5})
            await run.finish("cancelled")

        self.assertEqual([span["schema_title"] for span in api.spans(run.id)][:2], ["LLM call", "Tool call"])
        self.assertEqual(api.tree(run.id), ["agent:llm complete", "agent:tool complete", "agent:flat complete"])
        self.assertEqual(api.instance(run.id)["quality_payloads"], {"grade": {"score": 5}})

    async def test_a_step_that_is_skipped_is_cancelled_before_it_starts(self):
        async with client() as prefactor:
            run = await prefactor.create_agent_instance(VERSION)
            await run.start()
            async with run.span("agent:llm") as span:
                await span.cancel()
            async with run.span("agent:tool") as span:
                await span.start({})
                await span.cancel(timestamp=seconds(1))
            await run.finish()

        self.assertEqual(api.tree(run.id), ["agent:llm cancelled", "agent:tool cancelled"])
        skipped, stopped = api.spans(run.id)
        self.assertIsNone(skipped["started_at"])
        self.assertEqual(api.moment(stopped["finished_at"]), seconds(1))

    async def test_a_run_that_never_starts_is_cancelled(self):
        async with client() as prefactor:
            run = await prefactor.create_agent_instance(VERSION, SCHEMAS)
            await run.finish("cancelled")

        self.assertEqual(api.instance(run.id)["status"], "cancelled")

    async def test_a_run_fails(self):
        async with client() as prefactor:
            run = await prefactor.create_agent_instance(VERSION)
            await run.start(timestamp=seconds(0))
            await run.finish("failed", timestamp=seconds(9))

        seen = api.instance(run.id)
        self.assertEqual((seen["status"], api.moment(seen["started_at"])), ("failed", seconds(0)))
        self.assertEqual(api.moment(seen["finished_at"]), seconds(9))

    async def test_qualities_are_recorded_and_cleared(self):
        async with client() as prefactor:
            run = await prefactor.create_agent_instance(VERSION)
            await run.start()
            await run.record_quality("grade", {"score": 1})
            await run.record_quality("tone", {"polite": True})
            await prefactor.record_quality(run.id, "grade", None)
            await run.finish()

        self.assertEqual(api.instance(run.id)["quality_payloads"], {"tone": {"polite": True}})

    async def test_runs_of_many_workers_side_by_side_stay_apart(self):
        http = PrefactorCoreConfig(http_config=config(), queue_config=QueueConfig(num_workers=8), schema_registry=registry())
        async with PrefactorCoreClient(http) as prefactor:

            async def work(number):
                run = await prefactor.create_agent_instance(VERSION)
                await run.start()
                for _ in range(5):
                    async with run.span("agent:llm") as llm:
                        await llm.start({"run": number})
                        async with run.span("agent:tool") as tool:
                            await tool.start({"run": number})
                await run.finish()
                return run.id

            runs = await asyncio.gather(*map(work, range(6)))

        for number, run in enumerate(runs):
            # Its finish may have overtaken the last of its spans'.
            self.assertEqual(api.instance(run)["status"], "complete")
            self.assertEqual(api.tree(run), ["agent:llm complete", "  agent:tool complete"] * 5)
            self.assertEqual({span["payload"]["run"] for span in api.spans(run)}, {number})

    async def test_a_chosen_id_and_an_account_token_work(self):
        agent = api.create_agent("Of the account")
        async with client(api.ACCOUNT_TOKEN) as prefactor:
            mine = api.fresh_id(agent)
            run = await prefactor.create_agent_instance(VERSION, agent_id=agent, instance_id=mine)
            await run.start()
            await run.finish()

        self.assertEqual(run.id, mine)
        self.assertEqual(api.instance(mine)["agent_id"], agent)


class Failures(unittest.IsolatedAsyncioTestCase):
    async def test_an_unknown_token_is_noticed_at_once(self):
        with self.assertRaises(PrefactorAuthError):
            await client("who-is-this").initialize()

    async def test_an_outage_is_survived(self):
        async with client() as prefactor:
            run = await prefactor.create_agent_instance(VERSION)
            with api.faults(server_error={"status": 503, "times": 2}, drop_after={"times": 3}):
                await run.start()
                async with run.span("agent:llm") as span:
                    await span.start({})
                await run.finish()
                await reached(run.id, "complete")

        self.assertEqual(api.instance(run.id)["status"], "complete")
        self.assertEqual(api.tree(run.id), ["agent:llm complete"])

    async def test_a_run_that_has_ended_already_is_no_failure(self):
        async with client() as prefactor:
            run = await prefactor.create_agent_instance(VERSION)
            await run.start()
            await reached(run.id, "active")
            api.terminate(run.id, "enough")
            await run.finish()

        self.assertEqual(api.instance(run.id)["status"], "terminated")

    async def test_a_refusal_for_good_stops_the_telemetry_and_says_so(self):
        prefactor = client()
        await prefactor.initialize()
        run = await prefactor.create_agent_instance(VERSION)
        await prefactor.record_quality(api.fresh_id(run.id), "grade", {})

        with self.assertRaises(PrefactorTelemetryFailureError) as caught:
            await prefactor.close()

        self.assertEqual(caught.exception.operation_type, "RECORD_QUALITY")
        self.assertIs(type(caught.exception.cause), PrefactorNotFoundError)
