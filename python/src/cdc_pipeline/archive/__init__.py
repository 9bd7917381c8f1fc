"""The archive: Kafka topics to Parquet objects, exactly once."""
