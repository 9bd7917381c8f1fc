"""Keeps connectors running: Kafka Connect itself never restarts what has failed."""
