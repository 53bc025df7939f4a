"""prefactor-core: both ways in which it learns that an operator ended the run."""

import asyncio
import unittest

from prefactor_core.monitoring.termination_monitor import TerminationMonitor
from prefactor_http import PrefactorHttpClient

import api
from fixtures import LIMIT, SCHEMAS, VERSION, config
from test_core_runs import client, reached


class Termination(unittest.IsolatedAsyncioTestCase):
    async def test_the_answer_to_a_span_says_it(self):
        async with client() as prefactor:
            # The framework adapters take the monitor from here; the client has no public way to it.
            monitor = prefactor._termination_monitor
            run = await prefactor.create_agent_instance(VERSION)
            await run.start()
            await reached(run.id, "active")
            async with run.span("agent:llm") as span:
                await span.start({})
                api.terminate(run.id, "too expensive")
            await asyncio.wait_for(monitor.get_termination_event().wait(), LIMIT)
            self.assertEqual(monitor.termination_reason, "too expensive")
            await run.finish()

            following = await prefactor.create_agent_instance(VERSION)
            await following.start()
            async with following.span("agent:llm") as span:
                await span.start({})
            self.assertFalse(monitor.get_termination_event().is_set())
            await following.finish()

        self.assertEqual(api.instance(run.id)["status"], "terminated")
        self.assertEqual(api.instance(following.id)["status"], "complete")

    async def test_the_poll_finds_it_when_no_span_is_sent(self):
        async with PrefactorHttpClient(config()) as http:
            run = await http.agent_instances.register(VERSION, SCHEMAS)
            monitor = TerminationMonitor(http.agent_instances.get, poll_interval=0.02)
            monitor.sync(run.id)

            api.terminate(run.id, "nobody needs it")
            await asyncio.wait_for(monitor.get_termination_event().wait(), LIMIT)

        self.assertEqual(monitor.termination_reason, "nobody needs it")
