"""What an operator sees and does, over plain HTTP with the account-wide token. It shares nothing with the clients:
what they report is read back by other means."""

import contextlib
import datetime
import json
import os
import random
import urllib.parse
import urllib.request

URL = os.environ["PREFACTOR_API_URL"]
TOKEN = os.environ["PREFACTOR_API_TOKEN"]
ACCOUNT_TOKEN = os.environ["CONFORMANCE_ACCOUNT_TOKEN"]

# Nothing here leaves the machine, whatever proxy its user has.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def call(method, path, body=None):
    request = urllib.request.Request(
        f"{URL}{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {ACCOUNT_TOKEN}", "Content-Type": "application/json"},
    )
    with _opener.open(request, timeout=10) as answer:
        return json.load(answer)


def listed(path, **query):
    """All entries of a list, page by page."""
    entries, offset = [], 0
    while offset is not None:
        pages = {"pagination[offset]": offset, "pagination[page_size]": 100}
        answer = call("GET", f"/api/v1/{path}?{urllib.parse.urlencode(query | pages)}")
        entries += answer["summaries"]
        offset = answer["pagination"]["next_page_offset"]
    return entries


def instance(instance_id):
    return call("GET", f"/api/v1/agent_instance/{instance_id}")["details"]


def instances(agent_id):
    return listed("agent_instance", agent_id=agent_id)


def spans(instance_id):
    return listed("agent_spans", agent_instance_id=instance_id)


def tree(instance_id):
    """The spans of a run as indented lines of name and status, in the order in which they arrived."""
    known = spans(instance_id)

    def below(parent, depth):
        for span in known:
            if span["parent_span_id"] == parent:
                yield f"{'  ' * depth}{span['schema_name']} {span['status']}"
                yield from below(span["id"], depth + 1)

    return list(below(None, 0))


def terminate(instance_id, reason):
    return call("POST", f"/api/v1/agent_instance/{instance_id}/terminate", {"reason": reason})


def create_agent(name):
    return call("POST", "/api/v1/agent", {"details": {"name": name}})["details"]["id"]


@contextlib.contextmanager
def faults(**document):
    """Breaks the server as told, for as long as the block runs."""
    call("PUT", "/__faults", document)
    try:
        yield
    finally:
        call("DELETE", "/__faults")


def fresh_id(sibling):
    """A new id of the account another id belongs to: the same time and partition, other random digits."""
    return sibling[:16] + "".join(random.choices("0123456789abcdefghjkmnpqrstvwxyz", k=16))


def moment(text):
    return datetime.datetime.fromisoformat(text)
