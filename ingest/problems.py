"""What is wrong with a body, collected while it is checked: the client is told all of it at once."""

from ingest import limits
from ingest.errors import BadRequest, Problem


class Problems(list[Problem]):
    """`prefix`: of the names of the fields, `attributes.` while the attributes are being checked."""

    prefix = ""

    def within(self, name: str) -> "_Within":
        """What is found meanwhile is found in that object of the body."""
        return _Within(self, name)

    def path(self, field: str = "") -> str:
        """Of a field of the object that is being checked, or of the object."""
        return self.prefix + field if field else self.prefix.removesuffix(".")

    def add(self, message: str, field: str = "", reason: str = "invalid") -> None:
        """Of so many that nobody reads them all, only the first are kept: an answer must not outgrow its request."""
        if len(self) < limits.PROBLEMS:
            self.append(Problem(message, self.path(field), reason))

    def check(self) -> None:
        """Raises `BadRequest` with all of them, if there is one."""
        if self:
            raise BadRequest(*self)


class _Within:
    """A class, as most bodies come by here: a generator costs four times as much."""

    __slots__ = ("_before", "_name", "_problems")

    def __init__(self, problems: Problems, name: str) -> None:
        self._problems = problems
        self._name = name

    def __enter__(self) -> None:
        problems = self._problems
        self._before = problems.prefix
        problems.prefix = f"{self._before}{self._name}."

    def __exit__(self, *_: object) -> None:
        self._problems.prefix = self._before
