"""prefactor-http: managing agents with the account-wide token."""

import uuid

from prefactor_http import PrefactorApiError, PrefactorNotFoundError, PrefactorValidationError
from prefactor_http.models.agent import AgentForCreate, AgentForUpdate

import api
from fixtures import SCHEMAS, VERSION, HttpTest


class Agents(HttpTest):
    async def create(self, name, **fields):
        return await self.account.agents.create(AgentForCreate(name=name, **fields))

    async def run_of(self, agent):
        return await self.account.agent_instances.register(VERSION, SCHEMAS, agent_id=agent)

    async def test_an_agent_is_created_found_updated_and_deleted(self):
        agents, name = self.account.agents, str(uuid.uuid4())
        created = await self.create("Reader", external_identifier=name, description="reads")
        self.assertEqual((created.status, created.external_identifier), ("pending", name))
        self.assertTrue(created.available_actions.delete)

        self.assertEqual(await agents.get(created.id), created)
        self.assertEqual(await agents.show(external_identifier=name, include_counts=True), created)
        self.assertEqual(await agents.show(agent_id=created.id, include_risk_rollup=True), created)
        updated = await agents.update(created.id, AgentForUpdate(name="Writer"))
        self.assertEqual((updated.name, updated.description), ("Writer", "reads"))
        self.assertEqual((await agents.delete(created.id)).id, created.id)

        with self.assertRaises(PrefactorNotFoundError):
            await agents.get(created.id)

    async def test_an_agent_retires_and_comes_back(self):
        agent = (await self.create("Sleeper")).id
        await self.run_of(agent)

        retired = await self.account.agents.retire(agent, idempotency_key=str(uuid.uuid4()))
        self.assertEqual(retired.status, "retired")
        self.assertTrue(retired.available_actions.reinstate)
        with self.assertRaises(PrefactorApiError) as refused:
            await self.run_of(agent)
        self.assertEqual(refused.exception.code, "invalid_action")
        self.assertEqual((await self.account.agents.reinstate(agent)).status, "active")

        await self.run_of(agent)

    async def test_an_agent_counts_its_runs_by_status(self):
        agent = (await self.create("Counted")).id
        pending, complete, failed, cancelled, terminated, _ = [(await self.run_of(agent)).id for _ in range(6)]
        for run in (complete, failed, terminated):
            await self.account.agent_instances.start(run)
        await self.account.agent_instances.finish(complete)
        await self.account.agent_instances.finish(failed, "failed")
        await self.account.agent_instances.finish(cancelled, "cancelled")
        api.terminate(terminated, "enough")
        await self.account.agent_instances.start(pending)

        counts = (await self.account.agents.get(agent)).instance_counts.model_dump()

        one_each = dict.fromkeys(("pending", "active", "complete", "failed", "cancelled", "terminated"), 1)
        self.assertEqual(counts, one_each | {"total": 6, "finished": 4})

    async def test_lists_are_sorted_and_cut_into_pages(self):
        team = str(uuid.uuid4())
        by_name = [(await self.create(name, team_id=team)).id for name in ("beta", "alpha", "gamma")]
        beta, alpha, gamma = by_name

        async def listed(**query):
            return [agent.id for agent in await self.account.agents.list_agents(team_id=team, **query)]

        self.assertEqual(await listed(sorting="name"), [alpha, beta, gamma])
        self.assertEqual(await listed(sorting="-name"), [gamma, beta, alpha])
        self.assertEqual(await listed(sorting="-id"), sorted(by_name, reverse=True))
        self.assertEqual(await listed(sorting="name", offset=1, page_size=1), [beta])
        self.assertEqual(await listed(offset=3), [])

    async def test_lists_are_filtered(self):
        owner, risk = str(uuid.uuid4()), str(uuid.uuid4())
        mine = await self.create("Mine", owner_person_id=owner, risk_profile_id=risk)
        other = await self.create("Other")

        async def listed(**query):
            return {agent.id for agent in await self.account.agents.list_agents(page_size=100, **query)}

        self.assertEqual(await listed(owner_person_id=owner), {mine.id})
        self.assertEqual(await listed(risk_profile_id=risk), {mine.id})
        without = await listed(owner_person_id="null")
        self.assertIn(other.id, without)
        self.assertNotIn(mine.id, without)

    async def test_a_creation_that_is_repeated_makes_one_agent(self):
        key, details = str(uuid.uuid4()), AgentForCreate(name="Once", team_id=str(uuid.uuid4()))

        first = await self.account.agents.create(details, idempotency_key=key)
        second = await self.account.agents.create(details, idempotency_key=key)

        self.assertEqual(first, second)
        self.assertEqual(len(await self.account.agents.list_agents(team_id=details.team_id)), 1)

    async def test_what_can_not_be_is_refused(self):
        agents = self.account.agents
        agent = (await self.create("Used", external_identifier=str(uuid.uuid4()))).id
        await self.run_of(agent)

        with self.assertRaises(PrefactorValidationError):
            await self.create(" ")
        with self.assertRaises(PrefactorValidationError):
            await agents.list_agents(sorting="colour")
        with self.assertRaises(PrefactorApiError) as in_use:
            await agents.delete(agent)
        with self.assertRaises(PrefactorApiError) as taken:
            await self.create("Again", external_identifier=(await agents.get(agent)).external_identifier)
        self.assertEqual((in_use.exception.code, taken.exception.code), ("invalid_action", "conflict"))
