"""Several brokers that are one Kafka, each of them a controller too."""

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from deploy.kafka.broker import Broker
from tests.ports import free_port


class Member(Broker):
    """controllers: the ports of all, of which its own has its number, from 1 on."""

    def __init__(self, folder: Path, number: int, controllers: Sequence[int]) -> None:
        super().__init__(folder)
        self._number = number
        self._controllers = controllers

    def _properties(self) -> str:
        voters = ",".join(f"{number}@127.0.0.1:{port}" for number, port in enumerate(self._controllers, 1))
        own = f"CONTROLLER://127.0.0.1:{self._controllers[self._number - 1]}"
        text = re.sub(r"CONTROLLER://[\d.:]+", own, super()._properties())
        text = re.sub(r"(?m)^controller\.quorum\.voters=.*$", f"controller.quorum.voters={voters}", text)
        return text.replace("node.id=1", f"node.id={self._number}")


@contextmanager
def cluster(folder: Path, size: int) -> Iterator[list[Member]]:
    """They serve once most of them are there, so they are started at once."""
    controllers = [free_port() for _ in range(size)]
    members = [Member(folder / str(number), number, controllers) for number in range(1, size + 1)]
    try:
        with ThreadPoolExecutor(size) as threads:
            list(threads.map(Member.start, members))
        yield members
    finally:
        for member in members:
            member.kill()
