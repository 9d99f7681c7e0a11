"""Usual bodies that say one thing, of each endpoint that has some: see `ingest.usual`; of batches `usual_batches`."""

from collections.abc import Callable

import msgspec

from ingest.api import usual_events as events
from ingest.api import usual_identifies as identifies
from ingest.api.usual_parts import Arrive, Call, Entity, Event, LoneEvent, LoneIdentify, Made, Path
from ingest.usual import Client, Moment, cut, read
from schemas.messages import Written

# What the endpoint's `make` makes of a body, to the byte; nothing if only that can, or if anything is refused. Raises
# what that raises. The last argument gives it what it needs to make a part.
Usual = Callable[[Client, Moment, Path, bytes, Arrive], Made]

_event, _entity = msgspec.json.Decoder(Event).decode, msgspec.json.Decoder(Entity).decode
_call, _plain = msgspec.json.Decoder(Call).decode, msgspec.json.Decoder(LoneEvent | LoneIdentify).decode


def event(client: Client, moment: Moment, path: Path, body: bytes, _arrive: Arrive) -> Made:
    """Track v1."""
    said = read(_event, body)
    return () if said is None else _all_of(events.event(client, moment, moment.id(), path, said))


def customer(client: Client, moment: Moment, path: Path, body: bytes, _arrive: Arrive) -> Made:
    """Track v1, who somebody is."""
    said = read(cut, body)
    return () if said is None else _all_of(identifies.customer(client, moment, moment.id(), path, said, body))


def entity(client: Client, moment: Moment, _path: Path, body: bytes, _arrive: Arrive) -> Made:
    """Track v2."""
    plain = read(_plain, body)
    if plain is not None:
        about = events.user if type(plain) is LoneEvent else identifies.user
        made = about(client, moment, moment.id(), plain, body)
        if made is not None:
            return (made,)
    said = read(_entity, body)
    if said is None:
        return ()
    make = events.entity if said.action == "event" else identifies.person
    return _all_of(make(client, moment, moment.id(), said, 0))


def track(client: Client, moment: Moment, _path: Path, body: bytes, _arrive: Arrive) -> Made:
    """Data Pipelines."""
    said = read(_call, body)
    usual = said is not None and said.type != "identify"
    return _all_of(events.track(client, moment, moment.id(), said, 0)) if said and usual else ()


def identify(client: Client, moment: Moment, _path: Path, body: bytes, _arrive: Arrive) -> Made:
    """Data Pipelines, who somebody is."""
    said = read(_call, body)
    usual = said is not None and said.type != "track"
    return _all_of(identifies.call(client, moment, moment.id(), said, 0)) if said and usual else ()


def _all_of(made: Written | None) -> Made:
    """What a body says that holds one thing."""
    return () if made is None else (made,)
