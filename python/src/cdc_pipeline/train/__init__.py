"""Trains Java's ahead-of-time caches: throw-away servers record, under load, what they load and compile."""
