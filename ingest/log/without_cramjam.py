"""The log on Kafka, without what unpacks records: an edge reads none, and that would take 2 MB of each."""

from ingest.left_out import left_out

with left_out("cramjam"):
    from ingest.log.kafka import KafkaLog as KafkaLog
