"""The page of a package: plain HTML that opens offline, without scripts, pictures or anything from elsewhere.

Every value from a service is escaped text. The page forbids the browser to load or run anything, and so holds even
where that should fail.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from html import escape

from hub.exports.contents import About, Attachment, Packed, Table, recipients
from hub.exports.style import STYLE

COLUMNS = 40  # shown of a table; the files hold all

_STEP = 1000  # from one unit of size to the next
_CONTROLS = {code: 0x2400 + code for code in range(32) if chr(code) not in "\t\n"}  # shown as pictures: ␀, ␛


def page(packed: Sequence[Packed], about: About, made: datetime) -> Iterator[str]:
    """The page, in pieces."""
    yield (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>Your personal data · request {_text(about.request)}</title>\n"
        f"<style>\n{STYLE}</style>\n</head>\n<body>\n"
    )
    yield from _header(packed, about, made)
    yield from _overview(packed)
    yield "<main>\n"
    for part in packed:
        yield from _service(part)
    yield "</main>\n"
    yield _footer(about)
    yield "</body>\n</html>\n"


def _header(packed: Sequence[Packed], about: About, made: datetime) -> Iterator[str]:
    facts = {
        "Request": _text(about.request),
        "Received": _day(about.received),
        "This copy made": _day(made),
        "Controller": _text(about.controller),
        "Contact": _text(about.contact),
        "Disclosed to": "<br>".join(map(_text, recipients(packed, about))),
    }
    yield "<header>\n<h1>Your personal data</h1>\n"
    yield (
        "<p>This is the copy of your personal data that you asked for (GDPR, Article 15). It lists what each service "
        "that we use holds about you. The tables show the beginning of long lists; the files hold everything.</p>\n"
        "<dl>\n"
    )
    for name, value in facts.items():
        if value:
            yield f"<dt>{name}</dt><dd>{value}</dd>\n"
    yield "</dl>\n"
    missing = [part.source for part in packed if not part.source.complete]
    if missing:
        yield '<section class="notice" aria-labelledby="missing">\n<h2 id="missing">What is missing</h2>\n<ul>\n'
        for source in missing:
            yield f"<li><strong>{_text(source.label)}</strong>: {_text(source.reason)}</li>\n"
        yield "</ul>\n</section>\n"
    yield "</header>\n"


def _overview(packed: Sequence[Packed]) -> Iterator[str]:
    yield '<nav aria-labelledby="contents">\n<h2 id="contents">Contents</h2>\n<table>\n<thead><tr>'
    yield '<th scope="col">Service</th><th scope="col">Records</th><th scope="col">Files</th>'
    yield '<th scope="col">This copy is</th></tr></thead>\n<tbody>\n'
    for part in packed:
        source = part.source
        yield (
            f'<tr><th scope="row"><a href="#{source.instance}">{_text(source.label)}</a></th><td>{part.records:,}</td>'
            f"<td>{len(part.attachments):,}</td><td>{'complete' if source.complete else 'incomplete'}</td></tr>\n"
        )
    yield "</tbody>\n</table>\n</nav>\n"


def _service(part: Packed) -> Iterator[str]:
    source = part.source
    yield f'<section aria-labelledby="{source.instance}">\n<h2 id="{source.instance}">{_text(source.label)}</h2>\n'
    if not source.complete:
        yield f'<p class="notice"><strong>Incomplete.</strong> {_text(source.reason)}</p>\n'
    elif not part.holds:
        yield "<p>Nothing about you was found at this service.</p>\n"
    for table in part.tables:
        yield from _table(source.instance, table)
    if part.attachments:
        yield from _attachments(part.attachments)
    yield "</section>\n"


def _table(instance: str, table: Table) -> Iterator[str]:
    name = f"{instance}.{table.kind}"
    lines, sheet = table.files
    yield f'<h3 id="{name}">{_text(table.kind.replace("_", " ").capitalize())}</h3>\n<p>'
    yield f"{_count(table.records, 'record')}"
    if table.records > len(table.sample):
        yield f", of which the first {len(table.sample):,} are shown"
    if len(table.columns) > COLUMNS:
        yield f", with the first {COLUMNS} of {len(table.columns):,} fields"
    yield f'. All of it: <a href="{sheet.path}">spreadsheet (CSV)</a>, <a href="{lines.path}">JSON Lines</a>.'
    if table.withheld:
        yield f" {_count(table.withheld, 'record')} withheld, to protect the rights of others (Article 15(4))."
    yield "</p>\n"
    if table.sample:
        yield f'<div class="wide" role="region" tabindex="0" aria-labelledby="{name}">\n<table>\n'
        yield from _single(table) if len(table.sample) == 1 else _rows(table)
        yield "</table>\n</div>\n"


def _single(table: Table) -> Iterator[str]:
    """One record alone reads best from top to bottom."""
    yield "<tbody>\n"
    for column, value in list(table.sample[0].items())[:COLUMNS]:
        yield f'<tr><th scope="row">{_text(column)}</th><td>{_text(value)}</td></tr>\n'
    yield "</tbody>\n"


def _rows(table: Table) -> Iterator[str]:
    columns = table.columns[:COLUMNS]
    yield "<thead><tr>" + "".join(f'<th scope="col">{_text(column)}</th>' for column in columns) + "</tr></thead>\n"
    yield "<tbody>\n"
    for record in table.sample:
        yield "<tr>" + "".join(f"<td>{_text(record.get(column, ''))}</td>" for column in columns) + "</tr>\n"
    yield "</tbody>\n"


def _attachments(attachments: Sequence[Attachment]) -> Iterator[str]:
    yield '<h3>Files</h3>\n<table>\n<thead><tr><th scope="col">File</th><th scope="col">Name at the service</th>'
    yield '<th scope="col">What it is</th><th scope="col">Size</th></tr></thead>\n<tbody>\n'
    for attachment in attachments:
        path = attachment.file.path
        yield (
            f'<tr><th scope="row"><a href="{path}">{path.rpartition("/")[2]}</a></th><td>{_text(attachment.name)}</td>'
            f"<td>{_text(attachment.kind.replace('_', ' '))}, {_text(attachment.media_type)}</td>"
            f"<td>{_size(attachment.file.size)}</td></tr>\n"
        )
    yield "</tbody>\n</table>\n"


def _footer(about: About) -> str:
    contact = f" ({_text(about.contact)})" if about.contact else ""
    return (
        "<footer>\n<h2>Your rights</h2>\n<p>You can ask us to correct or erase your data or to restrict its use, and "
        f"you can object to its use. Write to {_text(about.controller)}{contact} and name the number of this request. "
        "If you think that we handle your data unlawfully, you can complain to a supervisory authority.</p>\n"
        "<p>In the CSV files an apostrophe stands before a value that a spreadsheet would run as a formula; the JSON "
        "Lines files hold every value as it is.</p>\n</footer>\n"
    )


def _text(value: str) -> str:
    return escape(value.translate(_CONTROLS))


def _day(instant: datetime) -> str:
    return f'<time datetime="{instant.date().isoformat()}">{instant.day} {instant:%B %Y}</time>'


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _size(number: int) -> str:
    size = float(number)
    for unit in ("bytes", "kB", "MB"):
        if size < _STEP:
            return f"{size:,.0f} {unit}"
        size /= _STEP
    return f"{size:,.1f} GB"
