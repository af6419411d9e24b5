"""The rules above bronze: what a connector does beyond being safe, and how far it was tried."""

from __future__ import annotations

from hub.quality.rule import Rule, Tier

SILVER = (
    Rule(
        "strictly-typed",
        Tier.SILVER,
        "Every function is annotated, and what the type checker is told to overlook has a reason.",
        "Most mistakes in a connector are a field that is not always there.",
        "Annotate everything; write `# type: ignore[code]  # why`; run `mypy --strict`.",
    ),
    Rule(
        "exports-carry-no-secrets",
        Tier.SILVER,
        "A copy holds everything about the person, and nothing that opens a door or concerns somebody else.",
        "It leaves the house: what charges a card or signs a call must not be in it.",
        "Name what is handed over, or take out by name what authorises; say in README which.",
    ),
    Rule(
        "rectify",
        Tier.SILVER,
        "The connector corrects what the service lets anyone correct.",
        "Art. 16 GDPR: wrong data is corrected everywhere, or the person is told why not.",
        "Change the fields asked for and no others; answer for the rest with `Partial` or `Unsupported`.",
        "The service has nothing that can be corrected.",
    ),
    Rule(
        "suppress",
        Tier.SILVER,
        "The connector stops the uses that a person objects to.",
        "An objection to marketing is absolute (Art. 21(3) GDPR), and must not need an erasure.",
        "Stop the purposes and channels of the scope, spare service messages, never subscribe anyone.",
        "The service uses the data for nothing that could be stopped.",
    ),
    Rule(
        "refusals-and-retention",
        Tier.SILVER,
        "What must be kept is kept with ground and date, and open business is refused with a reason.",
        "*Not erased* without a reason is no answer under Art. 12(4) GDPR, and a date is what erases it later.",
        "Answer `Retained(ground, until, what)` and `Refused(reason)` where the service's records call for it.",
        "The service keeps nothing on a ground of its own, and has no open business.",
    ),
    Rule(
        "limits-follow-the-plan",
        Tier.SILVER,
        "Concurrency and rates are those of the plan bought.",
        "The limits of the largest plan lock a small account out; those of the smallest waste days.",
        "Let `limits(config)` read the plan, or the rate, from the settings.",
        "The service has the same limits for every plan, or publishes none.",
    ),
    Rule(
        "every-call-every-fault",
        Tier.SILVER,
        "Each fault of the network and the service, at each call the connector makes, ends in the right error.",
        "A connection that breaks after the deletion was sent is the common case, and looks like failure.",
        "Inject every fault at every call of a good run; the conformance suite does where a run reaches the call.",
    ),
    Rule(
        "named-owner",
        Tier.SILVER,
        "Somebody answers for the connector.",
        "Services change without notice; a connector that nobody watches goes on claiming what was true once.",
        'Write `owner: "Name <address>"` at the top of quality.yaml: a person, a team or a role.',
    ),
)

GOLD = (
    Rule(
        "cassettes",
        Tier.GOLD,
        "Exchanges are recorded, scanned for personal data and replayed in the tests.",
        "A stand-in drifts with its author's memory; a recording shows what is really sent and read.",
        "Record with `pytest --record`; commit tests/cassettes.",
    ),
    Rule(
        "second-judge",
        Tier.GOLD,
        "Something its author did not write judges the sandbox.",
        "Who misreads the documentation writes the same mistake into the connector and its stand-in.",
        "Let the vendor's SDK, its published schema or published examples speak with the sandbox; name it.",
    ),
    Rule(
        "exports-resume",
        Tier.GOLD,
        "An export that was interrupted goes on where it stopped.",
        "A copy of a million records that begins anew after each restart never ends.",
        "Give records a cursor, and begin after `step.cursor`.",
        "A holding is so small that it is read in one call.",
    ),
    Rule(
        "jobs-followed",
        Tier.GOLD,
        "What the service accepts and does later is followed to its end.",
        "*Accepted* is not *done*: most services delete days later, and some never.",
        "Answer `Pending` or `Contained` with a handle, and go on in `resume`.",
        "The service answers every call when it is done.",
    ),
    Rule(
        "batch-erase",
        Tier.GOLD,
        "Many holdings are erased by one call where the service can.",
        "A person with ten thousand orders takes a day of calls otherwise, and the month runs.",
        "Declare `batch`, and answer for each holding by itself in `erase_many`.",
        "The service has no call that erases several records and answers for each.",
    ),
    Rule(
        "webhooks",
        Tier.GOLD,
        "What the service tells by itself is verified, and wakes the request that waits for it.",
        "Without it a request that waits for a service is looked at once in a while, and ends later.",
        "Verify the signature in `receive`, and yield a `Signal`; it wakes, it never proves.",
        "The service sends no notification that concerns a request.",
    ),
)

PLATINUM = (
    Rule(
        "recorded-against-the-service",
        Tier.PLATINUM,
        "The cassettes were recorded from the service itself.",
        "Everything else is what we believe of the service.",
        "Run `pytest --record` with an account of the service; the file says where it was recorded.",
    ),
    Rule(
        "verified-within-a-year",
        Tier.PLATINUM,
        "Somebody ran the connector against the real service within the last year.",
        "Services change, and a promise to a regulator is made today.",
        "Repeat the recording, then write the day into quality.yaml: `verified: 2026-03-02`.",
    ),
)
