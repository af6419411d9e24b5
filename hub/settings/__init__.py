"""Settings: hub.toml holds the shape, the environment the secrets. docs/settings.md explains every key."""

from hub.settings.reading import enabled_plugins, load
from hub.settings.shape import Approval, Controller, Instance, Policy, Settings, System
from hub.settings.template import json_schema, render_default

__all__ = [
    "Approval",
    "Controller",
    "Instance",
    "Policy",
    "Settings",
    "System",
    "enabled_plugins",
    "json_schema",
    "load",
    "render_default",
]
