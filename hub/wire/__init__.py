"""The one door to the outside: every byte to a service passes here.

A connector uses `Wire` (hub.wire of its `Services`); the coordinator makes one for each instance and puts a flight
around each step:

    with flight(Recorder(hmac_key, fence, deadline)) as recorder:
        outcome = processor.erase(holding, step)
    recorder.exchanges  # what to put into evidence
"""

from hub.wire.client import Wire
from hub.wire.recorder import Exchange, Passage, Recorder, Watcher, flight
from hub.wire.reply import Reply

__all__ = ["Exchange", "Passage", "Recorder", "Reply", "Watcher", "Wire", "flight"]
