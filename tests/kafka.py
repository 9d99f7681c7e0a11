"""How tests come by a Kafka broker: one that is named, one in a container, or one made here of Java and Maven.

Where none can be had, the tests that need one are reported NOT RUN; in CI that is a failure.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from typing import NoReturn
from uuid import uuid4

import pytest

from deploy.kafka import broker as local

NAMED = "PENSTOCK_TEST_KAFKA"
NO_BROKER = f"NOT RUN: no Kafka broker ({NAMED} is not set, no Docker engine runs, no Java with Maven)"
IMAGE = "apache/kafka:4.3.1"
CONTAINER_SETTINGS = {
    "KAFKA_NODE_ID": "1",
    "KAFKA_PROCESS_ROLES": "broker,controller",
    "KAFKA_LISTENERS": "PLAINTEXT://0.0.0.0:{port},CONTROLLER://127.0.0.1:29093",
    "KAFKA_ADVERTISED_LISTENERS": "PLAINTEXT://127.0.0.1:{port}",
    "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
    "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@127.0.0.1:29093",
    "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
    "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "4",
    "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
    "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
    "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR": "1",
    "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR": "1",
    "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
    "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
}
NO_LOCAL_BROKER = "NOT RUN: no Kafka broker that a test may kill (no Java with Maven)"


def pytest_report_header() -> str:
    """Which broker tests use: a line in what pytest prints first."""
    return f"kafka: {_kind() or NO_BROKER}"


# Of a module: a broker that waits for the end of the session takes 2 % of a core all the time.
@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the module's broker."""
    kind = _kind()
    if kind is None:
        not_run(NO_BROKER)
    if kind == "named":
        yield os.environ[NAMED]
    elif kind == "container":
        yield from _container()
    else:
        with local.Broker(tmp_path_factory.mktemp("kafka")) as broker:
            yield broker.address


@pytest.fixture
def topic() -> str:
    """The name of a topic that no other test uses."""
    return f"test-{uuid4().hex}"


@pytest.fixture(scope="module")
def _private_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[local.Broker]:
    if not local.installable():
        not_run(NO_LOCAL_BROKER)
    with local.Broker(tmp_path_factory.mktemp("private-kafka")) as broker:
        yield broker


@pytest.fixture
def private_broker(_private_broker: local.Broker) -> Iterator[local.Broker]:
    """A broker that a test may pause, kill and start again. It serves when a test gets it."""
    if _private_broker.pid is None:
        _private_broker.start()
    yield _private_broker
    _private_broker.resume()


def _kind() -> str | None:
    if os.environ.get(NAMED):
        return "named"
    if _docker_runs():
        return "container"
    return "local" if local.installable() else None


def _docker_runs() -> bool:
    docker = shutil.which("docker")
    if docker is None:
        return False
    try:
        return subprocess.run([docker, "info"], capture_output=True, timeout=10).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _container() -> Iterator[str]:
    # Imported here: it asks for Docker's settings when it is imported. Its own KafkaContainer takes Confluent's
    # images alone.
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    port = local.free_port()  # the broker has to know, before it starts, under which port it is seen
    container = DockerContainer(IMAGE).with_bind_ports(port, port)
    for name, value in CONTAINER_SETTINGS.items():
        container.with_env(name, value.format(port=port))
    with container.waiting_for(LogMessageWaitStrategy("Kafka Server started")):
        yield f"127.0.0.1:{port}"


def not_run(reason: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
