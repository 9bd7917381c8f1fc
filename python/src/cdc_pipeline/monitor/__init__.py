"""Watches what no server tells of itself: freshness, lag of consumers, and replicas of partitions."""
