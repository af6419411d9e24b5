"""The command line. A command's module is imported when it is called, so `hub --help` answers at once."""

from hub.cli.program import main

__all__ = ["main"]
