"""What stands against capturing tables: the catalogue is read, and judged by a pure function."""
