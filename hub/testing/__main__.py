"""`python -m hub.testing mailchimp --port 4010`: one sandbox in a process of its own, until it is told to stop.

Its first line on standard output is the URL it answers at; `hub sandbox` starts them all.
"""

from __future__ import annotations

import argparse
import signal

from hub.plugins import load


def main() -> None:
    """Serve the named sandbox until SIGINT or SIGTERM."""
    sandboxes = load().sandboxes()
    parser = argparse.ArgumentParser(prog="python -m hub.testing", description="Serve one sandbox on loopback.")
    parser.add_argument("name", choices=sorted(sandboxes))
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    arguments = parser.parse_args()
    signals = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)  # before any thread starts, so that none of them takes it
    with sandboxes[arguments.name]().serve(arguments.port) as running:
        print(running.url, flush=True)  # noqa: T201  # it is what whoever started us waits for
        signal.sigwait(signals)


if __name__ == "__main__":
    main()
