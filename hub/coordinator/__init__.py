"""Carries one request across all instances: a journal that is the only truth, and an engine that is an alarm clock."""
