"""prefactor-http: an operator ends a run, and the agent hears of it."""

import api
from fixtures import HttpTest


class Termination(HttpTest):
    async def test_span_calls_tell_that_the_run_was_ended(self):
        run = await self.started()
        heard = []
        span = await self.span(run, control_signal_callback=heard.append)
        self.assertEqual(heard, [])

        api.terminate(run, "too expensive")
        await self.span(run, control_signal_callback=heard.append)
        await self.client.agent_spans.finish(span.id, control_signal_callback=heard.append)

        self.assertEqual(heard, ["too expensive"] * 2)

    async def test_the_run_shows_why_it_was_ended(self):
        run = await self.started()
        api.terminate(run, "too expensive")

        seen = await self.client.agent_instances.get(run)

        self.assertEqual((seen.status, seen.termination_reason), ("terminated", "too expensive"))
        self.assertIsNotNone(seen.finished_at)
