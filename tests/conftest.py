"""The fixtures that talk to a real Kafka and a real ClickHouse."""

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.clickhouse", "tests.kafka", "tests.embedded", "tests.replaying"]

# An example may take as long as a busy machine needs for it.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
settings.register_profile("long", max_examples=3_000)  # pytest --hypothesis-profile=long
