import dataclasses
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import fastjsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from hub import (
    Account,
    Act,
    AsAsked,
    Confirmation,
    Coverage,
    Done,
    File,
    Holding,
    InstanceConfig,
    Learned,
    Limits,
    Method,
    Outcome,
    Processor,
    Record,
    Scope,
    Search,
    Step,
    Subject,
    unsupported,
)
from hub.errors import SettingsError
from hub.plugins import load as load_plugins
from hub.settings import Settings, enabled_plugins, json_schema, load, render_default

SECRET = "s3cr3t-canary-7731"


class Login(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    user: str = ""
    password: SecretStr = SecretStr("")


class LetterConfig(InstanceConfig):
    api_key: SecretStr = Field(description="the key from Account → Extras")
    server: str = Field("us1", description="the data centre")
    page: int = Field(100, ge=1, le=1000)
    tags: dict[str, str] = Field(default_factory=lambda: {"first name": 'F"N'})
    lists: tuple[str, ...] = ("a", "b")
    login: Login = Login()

    @field_validator("api_key")
    @classmethod
    def _no_blanks(cls, value: SecretStr) -> SecretStr:
        if " " in value.get_secret_value():
            raise ValueError(f"a key has no blanks, this one is {value.get_secret_value()}")
        return value


class Letters(Processor[LetterConfig]):
    name = "letters"
    title = "Letters & Co"
    searches: ClassVar[Mapping[str, Search]] = {"email": Search.EXACT}
    kinds: ClassVar[Mapping[str, str]] = {"member": "member of a list"}
    rectify = unsupported("Nothing to correct.")

    @classmethod
    def limits(cls, config: LetterConfig) -> Limits:
        return Limits((f"{config.server}.example.com",))

    def check(self) -> Account:
        return Account("1", "one")

    def find(self, subject: Subject) -> Iterator[Holding | Learned | Coverage]:
        yield Coverage({})

    def export(self, holding: Holding, step: Step) -> Iterator[Record | File]:
        return iter(())

    def suppress(self, target: Holding | Subject, scope: Scope, step: Step) -> Outcome:
        return Done(Method.SUPPRESSED)

    def erase(self, holding: Holding, step: Step) -> Outcome:
        return Done(Method.DELETED)

    def confirm(self, act: Act, step: Step) -> Confirmation:
        return AsAsked()


PROCESSORS: dict[str, type[Processor[Any]]] = {"letters": Letters}
KEY = {"HUB_INSTANCES__NEWS__API_KEY": SECRET}
NEWS = '[instances.news]\nconnector = "letters"\n'


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def read(home: Path, text: str, environ: Mapping[str, str] = KEY) -> Settings:
    (home / "hub.toml").write_text(text, encoding="utf-8")
    return load(home, PROCESSORS, environ)


def refused(home: Path, text: str, environ: Mapping[str, str] = KEY) -> str:
    """What a person reads; it must not hold the secret, and neither may anything the error carries along."""
    with pytest.raises(SettingsError) as caught:
        read(home, text, environ)
    assert caught.value.__context__ is None
    said = caught.value.diagnostics()
    assert SECRET not in said + repr(caught.value)
    return said


def test_the_environment_brings_the_secret(home: Path) -> None:
    settings = read(home, NEWS + 'server = "eu2"\nlabel = "Newsletter"\n')
    news = settings.instances["news"]
    assert isinstance(news.config, LetterConfig)
    assert news.config.api_key.get_secret_value() == SECRET
    assert (news.name, news.connector, news.label, news.config.server, news.trusted) == (
        "news",
        "letters",
        "Newsletter",
        "eu2",
        True,
    )
    assert SECRET not in repr(settings)


@pytest.mark.parametrize("secret", ["0123456", "1e400", "null", "true", '{"a":1}', "[1]", "ключ", " x"[1:]])
def test_a_secret_stays_the_text_it_is(home: Path, secret: str) -> None:
    news = read(home, NEWS, {"HUB_INSTANCES__NEWS__API_KEY": secret}).instances["news"]
    assert isinstance(news.config, LetterConfig)
    assert news.config.api_key.get_secret_value() == secret


def test_a_nested_secret_comes_from_the_environment_too(home: Path) -> None:
    news = read(home, NEWS, {**KEY, "HUB_INSTANCES__NEWS__LOGIN__PASSWORD": "12345"}).instances["news"]
    assert isinstance(news.config, LetterConfig)
    assert news.config.login.password.get_secret_value() == "12345"


def test_the_environment_wins_over_the_file(home: Path) -> None:
    settings = read(
        home,
        'jurisdiction = "eu"\n[policy]\ngrace = "3d"\nrounds = 2\n' + NEWS + "page = 10\n",
        {**KEY, "HUB_JURISDICTION": "uk", "HUB_POLICY__GRACE": "5d", "HUB_INSTANCES__NEWS__PAGE": "20"},
    )
    assert settings.jurisdiction == "uk"
    assert (settings.policy.grace, settings.policy.rounds) == (timedelta(days=5), 2)
    assert settings.instances["news"].config.model_dump()["page"] == 20


def test_one_connector_serves_several_accounts(home: Path) -> None:
    settings = read(
        home,
        NEWS + '[instances.shop_eu]\nconnector = "letters"\nserver = "eu1"\n',
        {**KEY, "HUB_INSTANCES__SHOP_EU__API_KEY": "other"},
    )
    assert [i.config.model_dump()["server"] for i in settings.instances.values()] == ["us1", "eu1"]


def test_a_secret_file_brings_secrets_when_nobody_else_can_read_it(home: Path) -> None:
    file = home / "news.secret"
    file.write_text(f'api_key = "{SECRET}"\n')
    file.chmod(0o600)
    text = NEWS + 'secret_file = "news.secret"\n'
    assert read(home, text, {}).instances["news"].config.model_dump()["api_key"].get_secret_value() == SECRET
    file.chmod(0o644)
    assert "chmod 600" in refused(home, text, {})


def test_a_secret_file_that_does_not_fit_is_refused(home: Path) -> None:
    text = NEWS + 'secret_file = "news.secret"\n'
    assert "cannot be read" in refused(home, text)
    for content, said in [(f"api_key = {SECRET}", "no TOML"), (f'api_kee = "{SECRET}"', "Did you mean api_key?")]:
        (home / "news.secret").write_text(content)
        (home / "news.secret").chmod(0o600)
        assert said in refused(home, text)


def test_a_secret_in_hub_toml_is_an_error(home: Path) -> None:
    said = refused(home, NEWS + f'api_key = "{SECRET}"\n', {})
    assert "instances.news.api_key is a secret" in said
    assert "HUB_INSTANCES__NEWS__API_KEY" in said
    assert "instances.news.login.password is a secret" in refused(home, NEWS + f'login = {{password = "{SECRET}"}}\n')


def test_a_missing_secret_names_its_variable_and_its_meaning(home: Path) -> None:
    said = refused(home, NEWS, {})
    assert "instances.news.api_key is missing" in said
    assert "Set HUB_INSTANCES__NEWS__API_KEY" in said
    assert "Account → Extras" in said


def test_an_empty_variable_is_a_missing_one(home: Path) -> None:
    assert "is missing" in refused(home, NEWS, {"HUB_INSTANCES__NEWS__API_KEY": ""})


def test_a_connectors_own_complaint_cannot_quote_the_secret(home: Path) -> None:
    said = refused(home, NEWS, {"HUB_INSTANCES__NEWS__API_KEY": f"{SECRET} x"})
    assert "instances.news.api_key does not fit" in said


@pytest.mark.parametrize(
    ("text", "key", "fix"),
    [
        ("jurisdicton = 'uk'\n", "jurisdicton", "Did you mean jurisdiction?"),
        ("[polici]\nrounds = 1\n", "polici", "Did you mean policy?"),
        ("[policy]\nround = 1\n", "policy.round", "Did you mean rounds?"),
        ("[policy]\napprove = [{right = 'erasure', verified = 'x'}]\n", "policy.approve.0.verified", "verified_by"),
        (NEWS + "sever = 'eu1'\n", "instances.news.sever", "Did you mean server?"),
        (NEWS + "labell = 'x'\n", "instances.news.labell", "Did you mean label?"),
        ("[register.web]\nlabl = 'x'\n", "register.web.labl", "Did you mean label?"),
        ("zzz = 1\n", "zzz", "Known here: "),
    ],
)
def test_an_unknown_key_is_answered_with_the_nearest_one(home: Path, text: str, key: str, fix: str) -> None:
    said = refused(home, text)
    assert f"{key} is no setting" in said
    assert fix in said


@pytest.mark.parametrize(
    ("text", "key", "variable"),
    [
        ("jurisdiction = 'us'\n", "jurisdiction", "HUB_JURISDICTION"),
        ("default_region = 'gb'\n", "default_region", "HUB_DEFAULT_REGION"),
        ("timezone = 'Europe/Atlantis'\n", "timezone", "HUB_TIMEZONE"),
        ("public_holidays = 'XX'\n", "public_holidays", "HUB_PUBLIC_HOLIDAYS"),
        ("kek = 'vault'\n", "kek", "HUB_KEK"),
        ("[policy]\ngrace = '21d'\n", "policy.grace", "HUB_POLICY__GRACE"),
        ("[policy]\nfind_patience = 'soon'\n", "policy.find_patience", "HUB_POLICY__FIND_PATIENCE"),
        ("[policy]\nfind_patience = -1\n", "policy.find_patience", "HUB_POLICY__FIND_PATIENCE"),
        ("[policy]\nlease = '0s'\n", "policy.lease", "HUB_POLICY__LEASE"),
        ("[policy]\nrounds = 4\n", "policy.rounds", "HUB_POLICY__ROUNDS"),
        ("[policy]\nrefused_until = '1h'\n", "policy", "refused_retry"),
        ("[policy]\napprove = [{right = 'access', verified_by = 'x'}]\n", "policy.approve.0.right", ""),
        (NEWS + "page = 0\n", "instances.news.page", "HUB_INSTANCES__NEWS__PAGE"),
        (NEWS + "via = 'ftp://x'\n", "instances.news.via", "HUB_INSTANCES__NEWS__VIA"),
        (NEWS + "mode = 'excluded'\n", "instances.news", "reason"),
        ("[register.web]\nmode = 'excluded'\n", "register.web", "reason"),
        ("[register.web]\nreason = 'Because I say so'\n", "register.web.reason", ""),
    ],
)
def test_a_value_that_does_not_fit_names_key_and_variable(home: Path, text: str, key: str, variable: str) -> None:
    said = refused(home, text)
    assert f"{key} does not fit" in said
    assert variable in said


@pytest.mark.parametrize("name", ["Bad", "1st", "a-b", "x" * 42, "ünder"])
def test_names_are_plain_words(home: Path, name: str) -> None:
    assert "is no name" in refused(home, f'[instances."{name}"]\nconnector = "letters"\n', {})
    assert "is no name" in refused(home, f'[register."{name}"]\n', {})


def test_a_connector_that_is_installed_and_not_enabled_is_told_from_one_that_does_not_exist(home: Path) -> None:
    (home / "hub.toml").write_text('[instances.crm]\nconnector = "larkspur"\n')
    with pytest.raises(SettingsError) as caught:
        load(home, PROCESSORS, {}, dormant=["larkspur"])
    said = f"{caught.value} {caught.value.hint}"
    assert "instances.crm.connector names what is installed, not enabled" in said
    assert "Add larkspur to `plugins`" in said
    assert "names no connector in use" in refused(home, '[instances.crm]\nconnector = "larkspur"\n')


def test_an_unknown_connector_is_answered_with_the_nearest_one(home: Path) -> None:
    said = refused(home, '[instances.news]\nconnector = "leters"\n')
    assert "Did you mean letters?" in said
    assert "instances.news.connector is missing" in refused(home, "[instances.news]\n")


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("HUB_INSTANCES__NEWZ__API_KEY", "Did you mean HUB_INSTANCES__NEWS__API_KEY?"),
        ("HUB_INSTANCES__SHOP__API_KEY", "Add [instances.shop]"),
        ("HUB_POLICI__GRACE", "HUB_POLICY__KEY"),
        ("HUB_POLICY", "HUB_POLICY__KEY"),
        ("HUB_JURISDICTON", "Did you mean HUB_JURISDICTION?"),
    ],
)
def test_a_variable_that_sets_nothing_is_an_error(home: Path, name: str, fix: str) -> None:
    said = refused(home, NEWS, {**KEY, name: SECRET})
    assert name in said
    assert fix in said


def test_variables_that_are_not_settings_are_left_alone(home: Path) -> None:
    others = {"HUB_HOME": str(home), "HUB_KEY_ENCRYPTION": "x", "PATH": "/bin", "HUBERT": "x"}
    assert read(home, NEWS, {**KEY, **others}).instances


def test_every_problem_is_named_at_once(home: Path) -> None:
    said = refused(home, "foo = 1\n[policy]\nrounds = 9\n" + NEWS + "page = 0\n", {})
    assert "4 settings do not fit" in said
    for key in ("foo", "policy.rounds", "instances.news.page", "instances.news.api_key"):
        assert re.search(rf"^  {re.escape(key)} ", said, re.MULTILINE), key


def test_erasure_orders_that_name_nobody_or_go_round_are_refused(home: Path) -> None:
    key = {**KEY, "HUB_INSTANCES__SHOP__API_KEY": "x"}
    shop = '[instances.shop]\nconnector = "letters"\n'
    assert read(home, NEWS + 'erase_after = ["shop"]\n' + shop, key).instances["news"].erase_after == ("shop",)
    assert "Did you mean shop?" in refused(home, NEWS + 'erase_after = ["shopp"]\n' + shop, key)
    circle = NEWS + 'erase_after = ["shop"]\n' + shop + 'erase_after = ["news"]\n'
    assert "circle" in refused(home, circle, key)
    assert "circle" in refused(home, NEWS + 'erase_after = ["news"]\n')
    out = NEWS + 'erase_after = ["shop"]\n' + shop + 'mode = "excluded"\nreason = "test_account"\n'
    assert "excluded" in refused(home, out, KEY)


def test_what_is_excluded_or_has_no_connector_stands_in_the_register(home: Path) -> None:
    settings = read(
        home,
        NEWS
        + 'mode = "excluded"\nreason = "test_account"\nlabel = "Newsletter"\npurposes = ["tests"]\n'
        + '[register.cabinet]\nlabel = "Filing cabinet"\ninstructions = "Ask the archive."\n',
        {},
    )
    assert not settings.instances
    assert {name: (s.mode, s.reason, s.label) for name, s in settings.register.items()} == {
        "cabinet": ("manual", "", "Filing cabinet"),
        "news": ("excluded", "test_account", "Newsletter"),
    }
    assert settings.register["news"].purposes == ("tests",)


def test_a_name_cannot_stand_for_two_systems(home: Path) -> None:
    assert "register.news has the name of an instance" in refused(home, NEWS + "[register.news]\n")


@pytest.mark.parametrize("key", ["instances", "register"])
def test_tables_that_are_none_are_refused(home: Path, key: str) -> None:
    assert "is no table" in refused(home, f"{key} = 3\n", {})
    assert "is no table" in refused(home, f"[{key}]\nnews = 3\n", {})


def test_broken_files_are_refused_without_quoting_them(home: Path) -> None:
    said = refused(home, f'api_key = "{SECRET}\n', {})
    assert "no valid TOML (at line 1" in said
    (home / "hub.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="cannot be read"):
        load(home, PROCESSORS, {})


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("a = uk", "Put texts into quotes."),
        ("a uk", "equals sign"),
        ("[x", "Close the bracket"),
        ('a = "x\n', "Close the quotes"),
        ("a = 'x", "Close the quotes"),
        ("a = 1\na = 2", "stands there twice"),
        ("[x]\n[x]\n", "stands there twice"),
        ('a = "x" y', "Look at that line"),
        ('a = "C:\\q"', "backslash twice"),
    ],
)
def test_invalid_toml_gets_the_hint_that_mends_it(home: Path, text: str, fix: str) -> None:
    (home / "hub.toml").write_text(text)
    with pytest.raises(SettingsError, match="no valid TOML") as caught:
        load(home, PROCESSORS, {})
    assert fix in caught.value.hint


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("policy.grace = '3 fortnights'", 'it is no length of time, such as "90s", "36h" or "20d"'),
        ("policy.grace = '-P1D'", "greater than or equal to 0 seconds"),
        ("policy.refused_retry = '0s'", "greater than 0 seconds"),
        ("default_region = 'Germany'", "it must be the two capital letters of a country, such as GB"),
        ("default_region = 7", "it must be a text, in quotes"),
        ("policy.approve = 'x'", "it must be a list"),
        ("kek = 'x'", "it is not of the form needed"),
    ],
)
def test_what_does_not_fit_is_said_in_words(home: Path, text: str, says: str) -> None:
    said = refused(home, text)
    assert says in said
    assert not any(jargon in said for jargon in ("timedelta", "pattern", "tuple", "[A-Z]"))


def test_without_hub_toml_the_way_to_one_is_told(home: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load(home, PROCESSORS, {})
    assert "hub init" in caught.value.hint


def test_hub_config_names_another_file(home: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "etc.toml"
    elsewhere.write_text("[policy]\nrounds = 1\n")
    assert load(home / "none", PROCESSORS, {"HUB_CONFIG": str(elsewhere)}).policy.rounds == 1


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('"20d"', timedelta(days=20)),
        ('"60s"', timedelta(minutes=1)),
        ('"36 h"', timedelta(hours=36)),
        ('"2w"', timedelta(weeks=2)),
        ('"15m"', timedelta(minutes=15)),
        ('"P20D"', timedelta(days=20)),
        ('"PT1M"', timedelta(minutes=1)),
        ("90", timedelta(seconds=90)),
        ("0.5", timedelta(milliseconds=500)),
    ],
)
def test_durations_are_read_as_people_write_them(home: Path, written: str, expected: timedelta) -> None:
    assert read(home, f"[policy]\nfind_patience = {written}\n", {}).policy.find_patience == expected


def test_approval_is_automatic_only_for_the_cases_named(home: Path) -> None:
    policy = read(home, '[policy]\napprove = [{right = "erasure", verified_by = "portal"}]\n', {}).policy
    assert policy.automatic("erasure", "portal")
    assert not policy.automatic("erasure", "letter")
    assert not policy.automatic("rectification", "portal")
    assert not read(home, "", {}).policy.automatic("erasure", "portal")


def test_the_law_follows_the_settings(home: Path) -> None:
    law = read(home, 'jurisdiction = "eu"\ntimezone = "Europe/Berlin"\npublic_holidays = "DE-BY"\n', {}).law
    assert (law.timezone, law.public_holidays, law.starts_when_complete) == ("Europe/Berlin", "DE-BY", False)
    assert read(home, "", {}).law.public_holidays == "GB-ENG"


def test_settings_do_not_change(home: Path) -> None:
    settings = read(home, NEWS)
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.jurisdiction = "eu"  # type: ignore[misc]
    with pytest.raises(ValidationError):
        settings.policy.rounds = 1
    with pytest.raises(TypeError):
        settings.instances["other"] = settings.instances["news"]  # type: ignore[index]


def test_the_digest_tells_shapes_apart_and_knows_no_secret(home: Path) -> None:
    one = read(home, NEWS).digest()
    assert re.fullmatch(r"[0-9a-f]{64}", one)
    assert read(home, NEWS, {"HUB_INSTANCES__NEWS__API_KEY": "another"}).digest() == one
    assert read(home, "# a remark\n" + NEWS).digest() == one
    assert read(home, NEWS + 'server = "eu1"\n').digest() != one
    assert read(home, NEWS + "[register.cabinet]\n").digest() != one
    assert read(home, NEWS + "trusted = false\n").digest() != one


@given(grace=st.integers(0, 20), rounds=st.integers(1, 3), trusted=st.booleans())
def test_equal_digests_mean_equal_settings(
    tmp_path_factory: pytest.TempPathFactory, grace: int, rounds: int, trusted: bool
) -> None:
    home = tmp_path_factory.mktemp("home")
    text = f'[policy]\ngrace = "{grace}d"\nrounds = {rounds}\n{NEWS}trusted = {str(trusted).lower()}\n'
    same = (grace, rounds, trusted) == (0, 3, True)
    assert (read(home, text).digest() == read(home, NEWS).digest()) is same


def test_the_list_of_plugins_is_read_before_the_rest(home: Path) -> None:
    (home / "hub.toml").write_text('plugins = ["mailchimp"]\nnonsense = 1\n')
    assert enabled_plugins(home, {}) == ("mailchimp",)
    (home / "hub.toml").write_text("")
    assert enabled_plugins(home, {}) is None
    (home / "hub.toml").write_text('plugins = "mailchimp"\n')
    with pytest.raises(SettingsError, match="list of names"):
        enabled_plugins(home, {})


def test_a_new_hub_toml_loads_as_it_stands(home: Path) -> None:
    settings = read(home, render_default(PROCESSORS), {})
    assert settings.digest() == read(home, "", {}).digest()


def uncommented(text: str, begin: str, end: str) -> str:
    """The settings between two marks, with the # taken away that makes them comments."""
    part = text[text.index(begin) : text.index(end)]
    return re.sub(r"^#(?! )", "", part, flags=re.MULTILINE)


def test_the_examples_in_a_new_hub_toml_load_when_uncommented(home: Path) -> None:
    text = render_default(PROCESSORS)
    assert "HUB_INSTANCES__LETTERS__API_KEY" in text
    example = uncommented(text, "#[instances.letters]", "# Every system")
    settings = read(home, example, {"HUB_INSTANCES__LETTERS__API_KEY": SECRET})
    assert settings.instances["letters"].config == LetterConfig(api_key=SecretStr(SECRET))


def test_every_default_shown_is_the_default(home: Path) -> None:
    policy = uncommented(render_default({}), "[policy]", "# One table")
    assert len(tomllib.loads(policy)["policy"]) == 10
    assert read(home, policy, {}).digest() == read(home, "", {}).digest()


def test_the_examples_of_bundled_connectors_lack_nothing_but_what_is_required(home: Path) -> None:
    processors = load_plugins().processors
    text = uncommented(render_default(processors), "#[instances.", "# Every system")
    (home / "hub.toml").write_text(re.sub(r"^\w+ =$", "", text, flags=re.MULTILINE))
    with pytest.raises(SettingsError) as caught:
        load(home, processors, {})
    wrong = re.findall(r"^  (instances\S+) (.+)$", caught.value.message, re.MULTILINE)
    assert {key.split(".")[1] for key, _ in wrong} == set(processors)
    assert [what for _, what in wrong if "is missing" not in what] == []


def test_the_schema_accepts_what_loads_and_knows_no_secret(home: Path) -> None:
    schema = json_schema(PROCESSORS)
    check = fastjsonschema.compile(schema)
    good = 'jurisdiction = "eu"\n' + NEWS + 'server = "eu1"\n[register.cabinet]\nmode = "manual"\n'
    assert read(home, good)
    check(tomllib.loads(good))
    for bad in ("jurisdicton = 'uk'\n", NEWS + "api_key = 'x'\n", NEWS + "sever = 'x'\n", "[register.x]\nmode = 'y'\n"):
        with pytest.raises(fastjsonschema.JsonSchemaException):
            check(tomllib.loads(bad))


def test_the_documentation_names_every_key() -> None:
    text = (Path(__file__).parents[2] / "docs/settings.md").read_text(encoding="utf-8")
    schema = json_schema({})
    tables = [schema, *(schema["$defs"][name] for name in ("Controller", "Policy", "System"))]
    named = {key for table in tables for key in table["properties"]}
    assert {key for key in named if f"`{key}`" not in text and f"[{key}" not in text} == set()
