"""The fixtures that talk to a real Kafka and a real ClickHouse."""

from hypothesis import settings

pytest_plugins = ["tests.clickhouse", "tests.kafka", "tests.embedded", "tests.replaying"]

settings.register_profile("long", max_examples=3_000)  # pytest --hypothesis-profile=long
