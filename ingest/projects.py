"""What a library of Data Pipelines asks before it sends anything: where to. One that gets no answer does not start."""

from starlette.types import Receive, Scope, Send

from ingest.auth import authenticate_body
from ingest.edge import Edge
from ingest.questions import Headers, asked

PATH = "/v1/projects/{write_key}/settings"
_INTEGRATION = "Customer.io Data Pipelines"  # the name by which libraries look it up


class ProjectSettings:
    """An ASGI application. Whoever writes a key into a path shows it to everybody, so it is a browser's."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        write_key = scope["path_params"]["write_key"]

        def content(_: Headers, address: str) -> object:
            authenticate_body(write_key, self._edge.keys)
            return project_settings(write_key, address)

        await asked(content, scope, receive, send)


def project_settings(write_key: str, address: str) -> object:
    """Where a library of Data Pipelines sends to."""
    protocol, _, host = address.partition("://")
    here = {"apiKey": write_key, "apiHost": f"{host}/v1", "protocol": protocol}
    return {
        "integrations": {_INTEGRATION: here},
        "plan": {"track": {"__default": {"enabled": True, "integrations": {}}}},
    }
