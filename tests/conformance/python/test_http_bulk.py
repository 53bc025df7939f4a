"""prefactor-http: many actions in one request."""

import uuid

from prefactor_http import BulkItem, BulkRequest, PrefactorAuthError, PrefactorHttpClient, PrefactorValidationError
from pydantic import ValidationError

import api
from fixtures import SCHEMAS, VERSION, HttpTest, config


def item(action, **fields):
    return BulkItem(**{"_type": action, "idempotency_key": str(uuid.uuid4())} | fields)


def create(run, **fields):
    usual = {"agent_instance_id": run, "schema_name": "agent:llm", "status": "active", "payload": {}}
    return item("agent_spans/create", details=usual | fields)


class Bulk(HttpTest):
    async def execute(self, *items, client=None):
        """The outputs in the order of their items; those that were not processed are missing."""
        client = client or self.client
        response = await client.bulk.execute(BulkRequest(items=list(items)))
        self.assertEqual(response.status, "success")
        return [response.outputs[it.idempotency_key] for it in items if it.idempotency_key in response.outputs]

    async def test_a_whole_run_fits_into_one_request(self):
        run = api.fresh_id((await self.client.agent_instances.register(VERSION, SCHEMAS)).id)
        llm, tool = api.fresh_id(run), api.fresh_id(run)

        outputs = await self.execute(
            item("agent_instances/register", id=run, agent_version=VERSION, agent_schema_version=SCHEMAS),
            item("agent_instances/start", agent_instance_id=run),
            create(run, id=llm),
            create(run, id=tool, parent_span_id=llm, status="failed", result_payload={"error": "none"}),
            item("agent_spans/finish", agent_span_id=llm, result_payload={"answer": 42}),
            item("agent_instances/record_quality", agent_instance_id=run, name="grade", payload={"score": 1}),
            item("agent_instances/show", agent_instance_id=run),
            item("agent_instances/finish", agent_instance_id=run, status="complete"),
        )

        self.assertEqual([output.status for output in outputs], ["success"] * 8)
        self.assertEqual(outputs[6].details["quality_payloads"], {"grade": {"score": 1}})
        self.assertEqual(api.instance(run)["status"], "complete")
        self.assertEqual(api.tree(run), ["agent:llm complete", "  agent:llm failed"])

    async def test_a_span_is_created_flat_as_the_client_documents_it(self):
        run = await self.started()

        output, = await self.execute(
            item("agent_spans/create", agent_instance_id=run, schema_name="agent:llm", status="active")
        )

        self.assertEqual((output.status, output.details["payload"]), ("success", {}))
        self.assertEqual(api.tree(run), ["agent:llm active"])

    async def test_a_repeated_item_answers_what_it_answered_before(self):
        run = await self.started()
        span = create(run)

        first, = await self.execute(span)
        again, other = await self.execute(span, create(run))

        self.assertEqual(first, again)
        self.assertNotEqual(again.details["id"], other.details["id"])
        self.assertEqual(len(api.spans(run)), 2)

    async def test_items_after_a_failing_one_are_not_processed(self):
        run = await self.started()
        orphan = create(run, parent_span_id=api.fresh_id(run))

        outputs = await self.execute(create(run), orphan, create(run))

        self.assertEqual([output.status for output in outputs], ["success", "error"])
        self.assertEqual((outputs[1].code, list(outputs[1].errors)), ("validation_errors", ["parent_span_id"]))
        self.assertEqual(len(api.spans(run)), 1)

    async def test_every_class_of_error_has_an_output(self):
        run = await self.started()
        taken = create(run)
        await self.execute(taken)
        for code, bad in (
            ("invalid_action", item("agent_instances/start", agent_instance_id=run)),
            ("not_found", item("agent_spans/finish", agent_span_id=api.fresh_id(run))),
            ("conflict", item("agent_spans/finish", agent_span_id=run, idempotency_key=taken.idempotency_key)),
            ("unauthorized", item("agents/list")),
            ("validation_errors", item("agents/dance")),
            ("validation_errors", create(run, status="sleepy")),
            ("validation_errors", item("agent_spans/create", agent_instance_id=run)),
        ):
            output, = await self.execute(bad)
            self.assertEqual((output.status, output.code), ("error", code), bad)

    async def test_the_account_token_lists_and_manages(self):
        run = await self.started()
        span = await self.span(run)
        agent = api.instance(run)["agent_id"]

        created, shown, runs, spans = await self.execute(
            item("agents/create", details={"name": "In bulk"}),
            item("agents/show", agent_id=agent),
            item("agent_instances/list", agent_id=agent, sorting="-inserted_at", pagination={"page_size": 1}),
            item("agent_spans/list", agent_instance_id=run),
            client=self.account,
        )

        self.assertEqual((created.details["name"], shown.details["id"]), ("In bulk", agent))
        self.assertEqual([seen["id"] for seen in runs.summaries], [run])
        self.assertEqual([seen["id"] for seen in spans.summaries], [span.id])

    async def test_the_client_refuses_what_the_api_would(self):
        for items in ([], [item("agents/list", idempotency_key="same-key")] * 2):
            with self.assertRaises(ValidationError):
                BulkRequest(items=items)
        with self.assertRaises(ValidationError):
            item("agents/list", idempotency_key="short")

    async def test_what_is_wrong_with_the_request_refuses_it_as_a_whole(self):
        with self.assertRaises(PrefactorValidationError) as caught:
            await self.client.request("POST", "/api/v1/bulk", json_data={"items": []})
        self.assertEqual(list(caught.exception.errors), ["items"])
        async with PrefactorHttpClient(config("who-is-this")) as stranger:
            with self.assertRaises(PrefactorAuthError):
                await self.execute(item("agents/list"), client=stranger)

    async def test_the_end_of_a_run_stands_beside_the_details(self):
        run = await self.started()
        api.terminate(run, "enough")

        output, = await self.execute(create(run))

        self.assertEqual(output.control, {"terminate": True, "reason": "enough"})
