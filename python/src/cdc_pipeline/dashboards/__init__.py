"""Dashboards: one definition, from which the page of `cdc-monitor` and files for Grafana are made.

It is Python and no data file, so that a mistake is one of types and names, which are checked before it is installed,
and so that the service that shows the page needs no parser.
"""
