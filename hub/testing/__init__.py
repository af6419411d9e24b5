"""What connectors are tested with: honest local stand-ins for services, faults on demand, one small town of people.

Part of the distribution, because a connector written elsewhere needs it as much as ours (docs/decisions).
"""
