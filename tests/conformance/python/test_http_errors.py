"""prefactor-http: each class of error, from an answer that says so."""

import uuid

from prefactor_http import (
    PrefactorApiError,
    PrefactorAuthError,
    PrefactorHttpClient,
    PrefactorNotFoundError,
    PrefactorRetryExhaustedError,
    PrefactorValidationError,
)
from prefactor_http.exceptions import PrefactorResponseContractError

import api
from fixtures import SCHEMAS, VERSION, HttpTest, config


class Errors(HttpTest):
    async def refused(self, kind, status, code, call):
        with self.assertRaises(kind) as caught:
            await call
        self.assertIs(type(caught.exception), kind)
        self.assertEqual((caught.exception.status_code, caught.exception.code), (status, code))
        self.assertTrue(str(caught.exception))
        return caught.exception

    async def test_an_unknown_token_is_an_auth_error(self):
        async with PrefactorHttpClient(config("who-is-this")) as stranger:
            await self.refused(PrefactorAuthError, 401, "bad_authtoken", stranger.validate_token())

    async def test_a_deployment_token_can_not_manage_agents(self):
        await self.refused(PrefactorAuthError, 403, "unauthorized", self.client.agents.list_agents())

    async def test_what_is_not_there_is_not_found(self):
        run = (await self.client.agent_instances.register(VERSION, SCHEMAS)).id
        other = api.fresh_id(run)
        for call in (
            self.client.agent_instances.get(other),
            self.client.agent_instances.start(other),
            self.client.agent_instances.finish("no-id-at-all"),
            self.client.agent_spans.finish(other),
            self.span(other),
            self.client.agent_instances.register(VERSION, SCHEMAS, agent_id=other),
            self.account.agents.get(other),
            self.client.request("GET", "/api/v1/no/such/place"),
        ):
            await self.refused(PrefactorNotFoundError, 404, "not_found", call)

    async def test_a_body_that_makes_no_sense_is_a_validation_error(self):
        for body in ([1, 2], "text"):
            call = self.client.request("POST", "/api/v1/agent_spans", json_data=body)
            await self.refused(PrefactorValidationError, 400, "bad_request", call)

    async def test_wrong_fields_are_named(self):
        run = await self.started()
        spans = self.client.agent_spans
        for field, call in (
            ("schema_name", spans.create(run, " ", "active")),
            ("parent_span_id", spans.create(run, "agent:llm", "active", parent_span_id=api.fresh_id(run))),
            ("id", spans.create(run, "agent:llm", "active", id="0" * 32)),
            ("idempotency_key", spans.create(run, "agent:llm", "active", idempotency_key="short")),
            ("status", self.client.request("POST", f"/api/v1/agent_instance/{run}/finish", json_data={"status": "so-so"})),
        ):
            error = await self.refused(PrefactorValidationError, 422, "validation_errors", call)
            self.assertEqual(list(error.errors), [field])

    async def test_what_is_done_can_not_be_done_again(self):
        run = await self.started()
        span = await self.span(run)
        await self.client.agent_spans.finish(span.id)
        for call in (self.client.agent_instances.start(run), self.client.agent_spans.finish(span.id)):
            await self.refused(PrefactorApiError, 409, "invalid_action", call)

    async def test_what_is_taken_is_a_conflict(self):
        name, key = str(uuid.uuid4()), str(uuid.uuid4())
        register = self.client.agent_instances.register
        run = await register(VERSION, SCHEMAS, external_identifier=name, idempotency_key=key)
        for call in (
            register(VERSION, SCHEMAS, external_identifier=name),
            register(VERSION, SCHEMAS, id=run.id),
            self.client.agent_instances.start(run.id, idempotency_key=key),
        ):
            await self.refused(PrefactorApiError, 409, "conflict", call)

    async def test_a_wrong_method_and_a_body_too_large_are_api_errors(self):
        with api.faults(max_body_bytes=100):
            await self.refused(PrefactorApiError, 413, "payload_too_large", self.span("x", payload={"a": "b" * 200}))
        call = self.client.request("PATCH", "/api/v1/ping")
        await self.refused(PrefactorApiError, 405, "method_not_allowed", call)

    async def test_a_path_that_is_no_text_is_answered_in_json(self):
        call = self.client.request("GET", "/api/v1/agent_instance/%ff")
        await self.refused(PrefactorValidationError, 400, "bad_request", call)


class Retries(HttpTest):
    """A run goes on behind faults that pass; those that stay end in the error that says so."""

    PASSING = (
        {"too_many_requests": {"times": 2, "retry_after": {"seconds": 1}}},
        {"server_error": {"times": 2, "status": 503}},
        {"server_error": {"times": 2, "status": 500}},
        {"html_body": {"times": 2, "status": 502}},
        {"drop_before": {"times": 2}},
    )

    async def test_faults_that_pass_are_survived(self):
        for document in self.PASSING:
            with self.subTest(fault=next(iter(document))):
                run = await self.started()
                with api.faults(**document):
                    span = await self.span(run, idempotency_key=str(uuid.uuid4()))
                self.assertEqual([seen["id"] for seen in api.spans(run)], [span.id])

    async def test_a_lost_answer_doubles_nothing(self):
        run = await self.started()

        with api.faults(drop_after={"times": 2}):
            span = await self.span(run, idempotency_key=str(uuid.uuid4()))

        self.assertEqual([seen["id"] for seen in api.spans(run)], [span.id])

    async def test_faults_that_stay_exhaust_the_retries(self):
        for document, cause in (
            ({"too_many_requests": {}}, PrefactorApiError),
            ({"server_error": {"status": 503}}, PrefactorApiError),
            ({"html_body": {"status": 502}}, PrefactorResponseContractError),
        ):
            with self.subTest(fault=next(iter(document))), api.faults(**document):
                with self.assertRaises(PrefactorRetryExhaustedError) as caught:
                    await self.client.validate_token()
                self.assertIs(type(caught.exception.last_error), cause)

    async def test_a_server_that_never_answers_is_given_up(self):
        async with PrefactorHttpClient(config(request_timeout=0.2, max_retries=1)) as hasty:
            with api.faults(black_hole=True):
                with self.assertRaises(PrefactorRetryExhaustedError) as caught:
                    await hasty.validate_token()
        self.assertIsInstance(caught.exception.last_error, TimeoutError)

    async def test_a_page_of_a_proxy_is_a_contract_error(self):
        with api.faults(html_body={"status": 200}):
            with self.assertRaises(PrefactorResponseContractError) as caught:
                await self.client.validate_token()
        self.assertEqual(caught.exception.status_code, 200)
