"""Objects within a body."""

from ingest.bodies import Body, inner
from ingest.problems import Problems


def part(body: Body, name: str, problems: Problems, *, required: bool = False) -> Body | None:
    """The object of that name. None if it is absent, null or no object; what is wrong with that is a problem found."""
    value = body.values.get(name)
    if isinstance(value, dict):
        return inner(body, name)
    if value is not None:
        problems.add(f"{problems.path(name)} must be an object", name)
    elif required:
        problems.add(f"{problems.path(name)} is required", name, "required")
    return None
