"""Tokens: renewed once whoever asks, never shown, never lost to another process."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from pydantic import SecretStr

from hub.errors import AuthError, ConnectorBug, Damaged, TransientError
from hub.timepiece import ManualTime
from hub.tokens import Token, Tokens

CANARY = "canary-token-7731"


class Shelf(dict[tuple[str, str], bytes]):
    """A token store in memory, which two `Tokens` can share as two processes share a vault."""

    def load(self, instance: str, name: str) -> bytes | None:
        return self.get((instance, name))

    def save(self, instance: str, name: str, data: bytes | None) -> None:
        if data is None:
            self.pop((instance, name), None)
        else:
            self[instance, name] = data


class LogIn:
    """A service that gives numbered tokens for an hour, each with a refresh token that works once."""

    def __init__(self, clock: ManualTime, seconds: float = 0) -> None:
        self.clock = clock
        self.seconds = seconds
        self.given = 0
        self.asked: list[Token | None] = []

    def __call__(self, last: Token | None) -> Token:
        self.asked.append(last)
        time.sleep(self.seconds)
        if last and last.refresh and last.refresh.get_secret_value() != f"refresh-{self.given}":
            raise AuthError("The refresh token was used already", instance="crm")
        self.given += 1
        ends = self.clock.now() + timedelta(hours=1)
        return Token(SecretStr(f"{CANARY}-{self.given}"), SecretStr(f"refresh-{self.given}"), ends)


@pytest.fixture
def clock() -> ManualTime:
    return ManualTime()


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def tokens(shelf: Shelf, clock: ManualTime) -> Tokens:
    return Tokens("crm", shelf, clock)


def _secret(token: Token) -> str:
    return token.secret.get_secret_value()


def test_a_token_serves_until_a_minute_before_its_end(tokens: Tokens, clock: ManualTime) -> None:
    log_in = LogIn(clock)
    assert _secret(tokens.get("access", log_in)) == f"{CANARY}-1"
    clock.advance(timedelta(minutes=58, seconds=59))
    assert _secret(tokens.get("access", log_in)) == f"{CANARY}-1"
    clock.advance(timedelta(seconds=1))
    assert _secret(tokens.get("access", log_in)) == f"{CANARY}-2"
    assert [last and _secret(last) for last in log_in.asked] == [None, f"{CANARY}-1"]


def test_a_restart_finds_the_token_again(tokens: Tokens, shelf: Shelf, clock: ManualTime) -> None:
    log_in = LogIn(clock)
    token = tokens.get("access", log_in)
    assert Tokens("crm", shelf, clock).get("access", log_in) == token
    assert log_in.given == 1


def test_thirty_threads_refresh_once(tokens: Tokens, clock: ManualTime) -> None:
    log_in = LogIn(clock, seconds=0.05)
    ready = threading.Barrier(30)

    def ask(_: int) -> str:
        ready.wait()
        return _secret(tokens.get("access", log_in))

    with ThreadPoolExecutor(30) as pool:
        assert set(pool.map(ask, range(30))) == {f"{CANARY}-1"}
    assert log_in.given == 1


def test_a_refused_token_is_replaced_once_even_if_many_report_it(tokens: Tokens, clock: ManualTime) -> None:
    log_in = LogIn(clock)
    refused = tokens.get("access", log_in)
    tokens.invalidate("access", refused)
    second = tokens.get("access", log_in)
    tokens.invalidate("access", refused)  # a slower thread, about the token before
    assert tokens.get("access", log_in) == second
    assert log_in.given == 2


def test_a_refused_token_stays_refused_after_a_restart_but_its_refresh_token_serves(
    tokens: Tokens, shelf: Shelf, clock: ManualTime
) -> None:
    log_in = LogIn(clock)
    tokens.invalidate("access", tokens.get("access", log_in))
    assert _secret(Tokens("crm", shelf, clock).get("access", log_in)) == f"{CANARY}-2"
    last = log_in.asked[-1]
    assert last is not None
    assert last.refresh == SecretStr("refresh-1")


def test_the_process_that_comes_second_takes_the_token_of_the_first(shelf: Shelf, clock: ManualTime) -> None:
    log_in = LogIn(clock)
    first, second = Tokens("crm", shelf, clock), Tokens("crm", shelf, clock)
    first.get("access", log_in)
    second.get("access", log_in)
    clock.advance(timedelta(hours=2))

    def overtaken(last: Token | None) -> Token:
        first.get("access", log_in)  # the other process renews while this one is on its way
        return log_in(last)

    assert _secret(second.get("access", overtaken)) == f"{CANARY}-2"
    assert log_in.given == 2


def test_a_failed_refresh_is_raised_and_tried_anew(tokens: Tokens, clock: ManualTime) -> None:
    def fail(_: Token | None) -> Token:
        raise TransientError("The log-in could not be reached", instance="crm")

    with pytest.raises(TransientError):
        tokens.get("access", fail)
    assert _secret(tokens.get("access", LogIn(clock))) == f"{CANARY}-1"

    def refused(_: Token | None) -> Token:
        raise AuthError("No", instance="crm")

    clock.advance(timedelta(hours=2))
    with pytest.raises(AuthError):
        tokens.get("access", refused)


def test_a_log_in_that_needs_its_own_token_is_a_bug_and_no_deadlock(tokens: Tokens) -> None:
    def circular(_: Token | None) -> Token:
        return tokens.get("access", circular)

    with pytest.raises(ConnectorBug, match="asked for that token"):
        tokens.get("access", circular)


@pytest.mark.parametrize("data", [b"", b"[]", b'{"secret": "x"}', b'{"secret":"x","refresh":null,"expires_at":"soon"}'])
def test_damage_is_named_and_not_quoted(tokens: Tokens, shelf: Shelf, clock: ManualTime, data: bytes) -> None:
    shelf.save("crm", "access", data)
    with pytest.raises(Damaged) as caught:
        tokens.get("access", LogIn(clock))
    assert caught.value.__context__ is None


def test_names_and_instances_are_apart(shelf: Shelf, clock: ManualTime) -> None:
    log_in = LogIn(clock)
    crm, shop = Tokens("crm", shelf, clock), Tokens("shop", shelf, clock)
    found = {_secret(t.get(name, log_in)) for t in (crm, shop) for name in ("access", "bulk")}
    assert len(found) == 4


def test_a_token_without_a_known_end_serves_until_refused(tokens: Tokens, clock: ManualTime) -> None:
    forever = Token(SecretStr("static"))
    assert tokens.get("access", lambda _: forever) == forever
    clock.advance(timedelta(days=4000))
    assert tokens.get("access", LogIn(clock)) == forever


def test_a_token_never_shows_itself(clock: ManualTime) -> None:
    assert CANARY not in repr(LogIn(clock)(None))
