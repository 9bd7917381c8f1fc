"""The only place that makes clients of the pipeline's servers, from ``cdc_pipeline.endpoints``.

The probes of ``supervise`` alone have their own, since they must not need more than Python.
"""
