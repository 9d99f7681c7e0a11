"""What tests of the logs read back."""

from collections.abc import Iterable

import msgspec

from workers.log import Record


def numbers(records: Iterable[Record]) -> list[int]:
    """The ids of the messages, which tests count upwards."""
    return [int(msgspec.json.decode(record.value or b"")["id"]) for record in records]
