"""`cdc`: one command for people. Each subcommand has a file of its own, apart from what it finds out."""
