"""What the clients of a run know: of every customer and event, what was acknowledged, in which order.

Each value and each event carries a token of its customer's life, which counts deletions: so that whatever is found
anywhere, in a view or on disk, tells by itself whether it may be there.
"""

import re
from dataclasses import dataclass, field

TOKEN = re.compile(r"zq(\d+)(?:l(\d+)z|c)")
TOKEN_SQL = r"zq\\d+(?:l\\d+z|c)"
UNSET = "null"

Order = tuple[float, int]  # the client's stamp, infinite without one; then the order of the requests


@dataclass
class Customer:
    """attributes: name -> order, value; unset ones too. `deleted`: the order of the last deletion."""

    number: int
    life: int = 0
    alive: bool = False
    certain: bool = True
    deleted: Order = (0.0, 0)
    attributes: dict[str, tuple[Order, str]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"zq{self.number}c"

    @property
    def token(self) -> str:
        return f"zq{self.number}l{self.life}z"

    def identified(self, order: Order, values: dict[str, str]) -> None:
        """A write whose stamp is older than the deletion, or than what is there, changes nothing."""
        if order < self.deleted:
            return
        self.alive = True
        for name, value in values.items():
            if self.attributes.get(name, ((0.0, -1), ""))[0] <= order:
                self.attributes[name] = (order, value)

    def deleted_at(self, order: Order) -> None:
        self.life += 1
        self.alive, self.deleted, self.attributes = False, order, {}

    @property
    def shown(self) -> dict[str, str]:
        return {name: value for name, (_, value) in self.attributes.items() if value != UNSET}


@dataclass(frozen=True)
class Event:
    """customer: None for an anonymous one. once: it carries an id, or was acknowledged at the first try."""

    customer: Customer | None
    life: int
    once: bool
    acknowledged: bool = True

    @property
    def due(self) -> bool:
        return self.customer is None or self.customer.life == self.life


@dataclass
class Known:
    """All that the clients know. events: by number, which is in the event's data."""

    customers: list[Customer] = field(default_factory=list)
    events: dict[int, Event] = field(default_factory=dict)


@dataclass
class Found:
    """What the views say. events: number -> rows. customers: name -> attributes."""

    events: dict[int, int]
    customers: dict[str, dict[str, str]]


def violations(known: Known, found: Found) -> dict[str, list[str]]:
    """What must not be, by its kind. What was never acknowledged may be there or not."""
    wrong: dict[str, list[str]] = {"missing": [], "doubled": [], "resurrected": [], "unknown": [], "attributes": []}
    for number, event in known.events.items():
        rows = found.events.get(number, 0)
        if event.customer and not event.customer.certain:
            continue
        if rows and not event.due:
            wrong["resurrected"].append(f"event {number}")
        elif not rows and event.due and event.acknowledged:
            wrong["missing"].append(f"event {number}")
        elif rows > 1 and event.once:
            wrong["doubled"].append(f"event {number}: {rows} rows")
    wrong["unknown"] += [f"event {number}" for number in found.events.keys() - known.events.keys()]
    for customer in filter(lambda customer: customer.certain, known.customers):
        shown = found.customers.get(customer.name)
        if shown is None and customer.alive:
            wrong["missing"].append(f"customer {customer.name}")
        elif shown is not None and not customer.alive:
            wrong["resurrected"].append(f"customer {customer.name}: {shown}")
        elif shown is not None and shown != customer.shown:
            wrong["attributes"].append(f"{customer.name} is {shown}, should be {customer.shown}")
    wrong["unknown"] += list(found.customers.keys() - {customer.name for customer in known.customers})
    return wrong


def may_be_kept(known: Known, token: str) -> bool:
    """Whether a token may lie on disk after a purge: of a customer who is there, and of this life."""
    match = TOKEN.fullmatch(token)
    if match is None or int(match[1]) >= len(known.customers):
        return False
    customer = known.customers[int(match[1])]
    return not customer.certain or (customer.alive and match[2] in (None, str(customer.life)))
