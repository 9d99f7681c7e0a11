"""What a check finds: said once, used by every start (which refuses on `wrong`) and by `penstock check`."""

from collections.abc import Iterable
from typing import Literal

import msgspec

from schemas.settings import BadSettings


class Finding(msgspec.Struct, frozen=True):
    """level: `wrong` contradicts a promise or a setting, and no start goes on with it; `warning` is a risk that the
    operator may want; `unknown` could not be asked.

    mend: what to do, naming the setting; empty where nothing is to be done.
    """

    level: Literal["ok", "warning", "wrong", "unknown"]
    about: str
    text: str
    mend: str = ""

    def __str__(self) -> str:
        return f"{self.about}: {self.text}" + (f": {self.mend}" if self.mend else "")


def refuse(findings: Iterable[Finding]) -> None:
    """Raises `BadSettings` that tells all that is wrong."""
    if wrong := [str(finding) for finding in findings if finding.level == "wrong"]:
        raise BadSettings("; ".join(wrong))
