"""Long-running services and tools of the cdc.pipeline collection."""
