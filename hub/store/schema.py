"""Every table of the hub, dialect-neutral. What identifies a person stands only in `sealed` columns (AES-256-GCM).

Instants are POSIX seconds (Float); dates are ISO text. `index_` columns
hold keyed hashes, so that a repeated find recognises what it knows without the value in clear.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

requests = Table(
    "requests",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("rights", JSON, nullable=False),  # ["access", "erasure"], in the order they are carried out
    Column("state", String(16), nullable=False),
    Column("channel", String(32), nullable=False),
    Column("received", Float, nullable=False),
    Column("created", Float, nullable=False),
    Column("due", String(10)),  # date of the statutory deadline
    Column("epoch", String(16), nullable=False),
    Column("wrapped_key", LargeBinary),  # NULL once shredded
    Column("expires", Float, nullable=False),
    Column("round", Integer, nullable=False, default=1),
    Column("barrier_at", Float),  # when finding goes on without the unreachable
    Column("grace_until", Float),
    Column("options", JSON, nullable=False),  # scope, verification code, automatic approval: nothing personal
    Column("approved_digest", String(64)),
    Column("decided", Integer, nullable=False, default=0),  # moves on with every approval and decision
    Column("released", Boolean, nullable=False, default=False),
    Column("delivered", Float),
    Column("seq", Integer, nullable=False, default=0),  # newest event
    Column("prev", String(64), nullable=False),  # its digest
    Column("closed", Float),
    Column("sealed", LargeBinary),  # corrections, on whose behalf, the caller's own reference
    Index(None, "state"),
)

identifiers = Table(
    "identifiers",
    metadata,
    Column("request", String(32), ForeignKey("requests.id"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("label", String(300), nullable=False),  # kind, or namespace of an external id
    Column("source", String(64), nullable=False),  # instance that taught it; "" when submitted
    Column("round", Integer, nullable=False),
    Column("index_", String(64), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    UniqueConstraint("request", "index_"),
)

tracks = Table(
    "tracks",
    metadata,
    Column("id", String(48), primary_key=True),
    Column("request", String(32), ForeignKey("requests.id"), nullable=False),
    Column("instance", String(64), nullable=False),
    Column("connector", String(64), nullable=False),
    Column("phase", String(16), nullable=False),  # find, act, failed (the search; a person is asked), settled
    Column("round", Integer, nullable=False, default=0),  # identifier round searched to the end
    Column("coverage", JSON),
    Column("wake_at", Float),  # NULL: only an event in the journal wakes it
    Column("reason", String(64)),
    Column("tries", Integer, nullable=False, default=0),
    Column("attempt", Integer, nullable=False, default=0),  # the fencing token
    Column("lease_owner", String(64)),
    Column("lease_until", Float),
    UniqueConstraint("request", "instance"),
    Index(None, "phase", "wake_at"),
)

holdings = Table(
    "holdings",
    metadata,
    Column("request", String(32), ForeignKey("requests.id"), primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("track", String(48), ForeignKey("tracks.id"), nullable=False),
    Column("position", Integer, nullable=False),  # order in which erasing is safe
    Column("round", Integer, nullable=False),  # newest round that found it
    Column("index_", String(64), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("categories", JSON, nullable=False),
    Column("match", String(16), nullable=False),
    Column("reach", String(16), nullable=False),
    Column("role", String(16), nullable=False),
    Column("decision", String(16)),  # "hers", "not_hers"; NULL while nobody decided
    Column("approved", Boolean, nullable=False, default=False),
    Column("sealed", LargeBinary, nullable=False),  # key, locator, hints
    UniqueConstraint("track", "index_"),
)

steps = Table(
    "steps",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("request", String(32), ForeignKey("requests.id"), nullable=False),
    Column("track", String(48), ForeignKey("tracks.id"), nullable=False),
    Column("number", Integer, nullable=False),  # order within the track
    Column("operation", String(16), nullable=False),
    Column("holding", Integer),  # ordinal; NULL for a bare subject
    Column("key", String(32), nullable=False),  # idempotency key
    Column("state", String(16), nullable=False),  # ready, sent, resume, confirm, person, closed
    Column("attempt", Integer, nullable=False, default=0),
    Column("tries", Integer, nullable=False, default=0),  # failures in a row
    Column("differs", Integer, nullable=False, default=0),  # read-backs that found it not as asked
    Column("next_at", Float),
    Column("give_up_at", Float),
    Column("reason", String(64)),
    Column("outcome", JSON),
    Column("confirmation", String(16)),
    Column("sealed", LargeBinary),  # handle, cursor, new locator
    UniqueConstraint("track", "number"),
    Index(None, "request"),
)

events = Table(
    "events",
    metadata,
    Column("position", Integer, primary_key=True, autoincrement=True),  # order over all requests: the log's order
    Column("request", String(32), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("leaf", LargeBinary(32), nullable=False),  # RFC 6962 leaf hash, in clear from the first event on
    Column("sealed", LargeBinary),  # the disclosure; NULL once shredded
    UniqueConstraint("request", "seq"),
)

exports = Table(
    "exports",
    metadata,
    Column("request", String(32), ForeignKey("requests.id"), primary_key=True),
    Column("track", String(48), ForeignKey("tracks.id"), primary_key=True),
    Column("file", String(64), nullable=False),  # random name in the spool folder
    Column("records", Integer, nullable=False, default=0),
    Column("sealed", LargeBinary, nullable=False),  # the spool's own key and its last mark
)

tasks = Table(
    "tasks",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("request", String(32), ForeignKey("requests.id"), nullable=False),
    Column("track", String(48)),
    Column("step", String(64)),
    Column("instance", String(64), nullable=False),
    Column("kind", String(64), nullable=False),  # a code: review, decide, manual, failed, recipient
    Column("text", Text, nullable=False),  # fixed texts of the connector or the register
    Column("created", Float, nullable=False),
    Column("result", String(16)),  # NULL while open
    Column("settled_by", String(32)),
    Column("settled", Float),
    Column("evidence_sha256", String(64)),
    Column("sealed", LargeBinary),  # the evidence file a person attached
    Index(None, "request"),
)

obligations = Table(
    "obligations",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("instance", String(64), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("ground", String(400), nullable=False),
    Column("due", String(10)),  # date; NULL: the ground names no end
    Column("state", String(16), nullable=False),
    Column("wrapped_key", LargeBinary),
    Column("sealed", LargeBinary),  # the locator
)

instances = Table(
    "instances",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("account", String(200)),  # the service's id of our account, from `check`
    Column("held", String(64)),  # why it is not used: "paused" or an error's code; NULL: in use
    Column("since", Float),
)

tokens = Table(
    "tokens",
    metadata,
    Column("instance", String(64), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)

actors = Table(
    "actors",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("index_", String(64), nullable=False, unique=True),
    Column("sealed", LargeBinary, nullable=False),  # the person's name
)

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", Float, nullable=False),
    Column("actor", String(32), nullable=False),
    Column("request", String(32)),
    Column("what", String(64), nullable=False),
    Column("why", String(64), nullable=False),
    Index(None, "request"),
)

ledger = Table(
    "ledger",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("index_", String(64), nullable=False),  # HMAC of the identifier under the ledger key
    Column("ledger_key_id", String(32), nullable=False),
    Column("purpose", String(16), nullable=False),
    Column("channel", String(16), nullable=False),  # "" covers every channel
    Column("instance", String(64), nullable=False),  # "" covers every instance
    Column("basis", String(100), nullable=False),
    Column("since", Float, nullable=False),
    Column("until", Float),
    Column("released", Float),
    Index(None, "index_"),
)
