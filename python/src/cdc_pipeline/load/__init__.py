"""Open-loop load on PostgreSQL, measured at Kafka and at the archive's objects."""
