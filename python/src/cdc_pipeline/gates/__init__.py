"""Conditions that must hold before the next replica of a workload is restarted."""
