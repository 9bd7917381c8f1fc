"""The brokers' disks: what is archived is deleted when they fill, and the connector waits before they are full."""
