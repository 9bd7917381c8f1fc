"""One pipeline as it is looked at: its plan, the clients and servers it has, and what is found."""
