"""What the tests have in common: clients that give up soon, and one whole schema."""

import unittest
from datetime import datetime, timedelta, timezone

from prefactor_http import HttpClientConfig, PrefactorHttpClient

import api

SCHEMAS = {
    "external_identifier": "schemas-1",
    "span_type_schemas": [
        {
            "name": "agent:llm",
            "title": "LLM call",
            "params_schema": {"type": "object", "properties": {"prompt": {"type": "string"}}},
            "result_schema": {"type": "object"},
            "template": "{{prompt}}",
            "data_risk": {
                "action_profile": {"read_data": "allowed"},
                "params_data_categories": {"classification": "internal"},
                "result_data_categories": {},
            },
        },
        {"name": "agent:tool", "params_schema": {"type": "object"}},
    ],
    "quality_schemas": [{"name": "grade", "schema": {"type": "object"}, "title": "Grade"}],
}

VERSION = {"name": "Writer", "external_identifier": "v1.0.0", "description": "writes"}

#: Seconds after which a test fails rather than waits.
LIMIT = 20

NOON = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=timezone.utc)


def seconds(count):
    """A moment so many seconds after noon."""
    return NOON + timedelta(seconds=count)


def config(token=api.TOKEN, **changes):
    """Retries come at once: nobody waits for a backoff here."""
    quick = {"initial_retry_delay": 0.01, "max_retry_delay": 0.05, "request_timeout": 10.0}
    return HttpClientConfig(api_url=api.URL, api_token=token, **quick | changes)


class HttpTest(unittest.IsolatedAsyncioTestCase):
    """A test with a client of each token."""

    async def asyncSetUp(self):
        self.client = await self.enterAsyncContext(PrefactorHttpClient(config()))
        self.account = await self.enterAsyncContext(PrefactorHttpClient(config(api.ACCOUNT_TOKEN)))

    async def started(self):
        """The id of a run that goes on."""
        run = await self.client.agent_instances.register(VERSION, SCHEMAS)
        await self.client.agent_instances.start(run.id)
        return run.id

    async def span(self, run, **fields):
        """An active span."""
        usual = {"schema_name": "agent:llm", "status": "active", "payload": {"prompt": "why?"}}
        return await self.client.agent_spans.create(run, **usual | fields)
