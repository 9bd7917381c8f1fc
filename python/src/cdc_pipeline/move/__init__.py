"""Moves a pipeline with its data: copies volumes, and proves that what is there is what was there."""
