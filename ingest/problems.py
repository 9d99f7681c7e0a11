"""What is wrong with a body, collected while it is checked: the client is told all of it at once."""

from collections.abc import Iterator
from contextlib import contextmanager

from ingest import limits
from ingest.errors import BadRequest, Problem


class Problems(list[Problem]):
    """`prefix`: of the names of the fields, `attributes.` while the attributes are being checked."""

    prefix = ""

    @contextmanager
    def within(self, name: str) -> Iterator[None]:
        """What is found meanwhile is found in that object of the body."""
        before = self.prefix
        self.prefix = f"{before}{name}."
        try:
            yield
        finally:
            self.prefix = before

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
