"""What the edge itself knows of a request, handed to the functions that make messages: they read no clock."""

from typing import Any

import msgspec
from msgspec.structs import replace

from ingest.ids import ClientId, new_id
from ingest.keys import Role
from ingest.roles import check_kind
from ingest.times import OUT_OF_RANGE, SentTime
from schemas.messages import Context, Kind, Message


class Arrival(msgspec.Struct, frozen=True):
    """A request, or one item of a batch.

    workspace: whose key it came with.
    at: s since 1970.
    id: of the message, if the client gave it none.
    role: of the key.
    key: the request's `Idempotency-Key`, the id of a message that has none of its own; empty for none.
    fingerprint: hash of the body, if there is such a key.
    query: what stands behind the path's `?`, still encoded.
    """

    workspace: str
    at: float
    id: str
    context: Context
    role: Role
    key: str = ""
    fingerprint: str = ""
    query: str = ""

    def message(
        self, kind: Kind, subject: str, *, given: ClientId | None = None, sent: SentTime | None = None, **fields: Any
    ) -> Message:
        """A message of what was said of a subject. given: the id that the body holds; sent: the time that it holds.

        Raises `Forbidden` if the key may not say that.
        """
        if self.role != "server":
            check_kind(self.role, kind)
        id, fingerprint = self.id, ""
        if given is not None and given.identifies:
            id = given.text
        elif self.key:
            id, fingerprint = self.key, self.fingerprint
        return Message(
            id=id,
            workspace=self.workspace,
            kind=kind,
            subject=subject,
            received_at=self.at,
            timestamp=self.at if sent is None else sent.at,
            client_id="" if given is None or given.identifies else given.text,
            sent_timestamp="" if sent is None else sent.text,
            fingerprint=fingerprint,
            context=self.context if sent is None or sent.in_range else replace(self.context, flags=(OUT_OF_RANGE,)),
            **fields,
        )

    def item(self, number: int) -> "Arrival":
        """For the item of that number of what was sent at once: it has its own id, made of the request's key if it
        has one."""
        return replace(self, id=new_id(self.at), key=f"{self.key}/{number}" if self.key else "")
