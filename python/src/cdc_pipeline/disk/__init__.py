"""The brokers' disks: what is archived is deleted when it is old or a disk fills, else the connector waits.

Kafka deletes nothing of these topics by itself, since it does not know what is archived.
"""
