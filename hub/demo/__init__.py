"""The demonstration: a fresh hub, the bundled stand-ins, and two real requests for one person of the small town."""
