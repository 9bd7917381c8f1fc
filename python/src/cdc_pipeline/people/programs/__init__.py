"""Programs that a person is given with a login. They need nothing of this package."""
