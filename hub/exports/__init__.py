"""Copies of a person's data: spooled under encryption while services are read, then packed for handing over."""
