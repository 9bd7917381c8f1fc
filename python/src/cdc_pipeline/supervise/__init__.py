"""Running processes on one host: starting them (`cdc-run`), probing them (`cdc-probe`), mending them (`cdc-prober`),
stopping them in order (`cdc-stop`).

Only the standard library is used here: the tools start in milliseconds and work while everything else is broken.
"""
