"""The fixtures that talk to a real Kafka and a real ClickHouse."""

pytest_plugins = ["tests.clickhouse", "tests.kafka"]
