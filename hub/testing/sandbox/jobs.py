"""What a service accepts now and does later, and the webhook with which it says that it did."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hub.processor import Delivery
from hub.testing.messages import Refuse
from hub.timepiece import Timepiece


@dataclass(slots=True)
class _Job:
    begins: datetime
    ends: datetime
    work: Callable[[], object]
    status: str = "accepted"


class Jobs:
    """The jobs of one sandbox: accepted, after a while running, after a while done or failed.

    Args:
        clock: the sandbox's; what is due is carried out before the next call is answered, or the records are looked at.
        waits: from accepting a job to its beginning.
        lasts: from its beginning to its end.
    """

    def __init__(
        self, clock: Timepiece, *, waits: timedelta = timedelta(minutes=1), lasts: timedelta = timedelta(minutes=9)
    ) -> None:
        self._clock, self._waits, self._lasts = clock, waits, lasts
        self._jobs: dict[str, _Job] = {}

    def accept(self, work: Callable[[], object]) -> dict[str, str]:
        """Take a job on, as `show` shows it. `work` is done at its end; if it raises `Refuse`, the job has failed."""
        begins = self._clock.now() + self._waits
        id_ = f"job-{len(self._jobs) + 1}"
        self._jobs[id_] = _Job(begins, begins + self._lasts, work)
        return self.show(id_)

    def show(self, id: str) -> dict[str, str]:  # noqa: A002  # what it is
        """`{"id", "status", "ends_at"}`, status: accepted, running, done, failed. Refuses an unknown id with 404."""
        job = self._jobs.get(id)
        if job is None:
            raise Refuse(404, {"error": "no_such_job"})
        return {"id": id, "status": job.status, "ends_at": job.ends.isoformat()}

    def catch_up(self) -> None:
        """Carry out what is due by now, in the order of its end."""
        now = self._clock.now()
        for job in sorted(self._jobs.values(), key=lambda job: job.ends):
            if job.status == "accepted" and job.begins <= now:
                job.status = "running"
            if job.status == "running" and job.ends <= now:
                try:
                    job.work()
                    job.status = "done"
                except Refuse:
                    job.status = "failed"


def webhook(payload: Mapping[str, Any], secret: str, *, header: str = "X-Signature") -> Delivery:
    """What the service would deliver: the JSON, signed in `header` as `sha256=` and the HMAC-SHA256 of the body in hex.

    A test hands it to `Processor.receive`.
    """
    body = json.dumps(payload).encode()
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return Delivery({header.lower(): f"sha256={signature}", "content-type": "application/json"}, body)
