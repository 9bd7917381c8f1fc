"""People who use a pipeline on this host, each with one login for all of its servers."""
