"""Proves that a running pipeline is what it should be: settings, health, and values from PostgreSQL to Parquet."""
