"""Running processes on one host: starting them (`cdc-run`), probing them (`cdc-probe`), fixing them (`cdc-prober`),
running them by a schedule (`cdc-cron`), stopping them in order (`cdc-stop`).

Only the standard library is used here, except for `cdc-cron`: the tools start in milliseconds and work while everything
else is broken.
"""
