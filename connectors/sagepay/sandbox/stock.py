"""What the sandbox's vendor account holds: payments of the town's people, with what goes wrong in real ones.

Dates count back from the sandbox's own clock, so that they are of use whenever it is started; one payment is older than
any search and found by its code alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from hub.testing.town import Person, Town

SECRET = "SANDBOXKEY"  # noqa: S105  # stands for what authorises refunds; tests look for it where it must not be
AUTH_CODE = "400099999"  # the same for the authorisation code

_RESULTS = {"1": "INVALID", "8": "FAILURE", "12": "FAILURE"}


def guid(name: str) -> str:
    """A GUID that is the same every time."""
    return str(uuid5(NAMESPACE_URL, f"sagepay-sandbox:{name}")).upper()


@dataclass(slots=True)
class Stock:
    """Payments and tokens of one vendor account.

    Args:
        today: the day everything is dated back from.
        transactions: the elements of each payment, in the order they began.
        tokens: token → the elements `getTokenDetails` gives.
    """

    today: date
    transactions: list[dict[str, str]] = field(default_factory=list)
    tokens: dict[str, dict[str, str]] = field(default_factory=dict)

    def token(self, name: str, person: Person) -> str:
        """Register a card."""
        token = f"{{{guid(name)}}}"
        digits = f"{len(self.tokens) + 4242:04d}"
        self.tokens[token] = {
            "cardholder": person.name,
            "last4digits": digits,
            "expirydate": "1129",
            "cardtype": "VISA",
        }
        return token

    def pay(self, code: str, person: Person, days: int, *, state: str = "16", **more: str) -> dict[str, str]:
        """Add a payment of that many days ago; `more` overrides elements, and an empty text takes one away."""
        started = datetime.combine(self.today - timedelta(days=days), datetime.min.time()) + timedelta(hours=11)
        written = f"{started:%d/%m/%Y %H:%M:%S}"
        given = {
            "vpstxid": guid(code),
            "vendortxcode": code,
            "transactiontype": "Payment",
            "txstateid": state,
            "result": _RESULTS.get(state, "SUCCESS"),
            "status": "As the sandbox has it.",
            "description": "Lamps",
            "amount": "83.40",
            "currency": "GBP",
            "started": f"{written}.837",
            "completed": f"{written}.999",
            "securitykey": SECRET,
            "vpsauthcode": AUTH_CODE,
            "clientip": "192.0.2.42",
            "customeremail": person.email,
            "cardholder": person.name,
            "last4digits": "4242",
            "expirydate": "1129",
            "paymentsystem": "VISA",
            "t3mid": "6453081673",
            "t3mscore": "12",
            "t3maction": "OK",
        }
        entry = {k: v for k, v in (given | _lived("billing", person) | more).items() if v}
        self.transactions.append(entry)
        return entry


def _lived(part: str, person: Person) -> dict[str, str]:
    names = {f"{part}firstnames": person.given, f"{part}surname": person.family}
    phone = {f"{part}phone": person.phones[0]} if person.phones else {}
    if person.address is None:
        return names | phone
    home = person.address
    lines = {"address": home.line1, "city": home.city, "postcode": home.postcode, "country": home.country}
    return names | phone | {f"{part}{name}": value for name, value in lines.items()}


def of_the_town(town: Town, today: date) -> Stock:
    """The account as every sandbox starts with it."""
    stock, main = Stock(today), town.main
    household, like_named, namesake, tagged = town.neighbours[:4]
    card, shared = stock.token("main's card", main), stock.token("the household's card", household)
    paid = stock.pay("LAMP-1001", main, 60, token=card)
    refund = {"customeremail": "", "transactiontype": "Refund", "relatedtransactionid": paid["vpstxid"]}
    stock.pay("LAMP-1001-REFUND", main, 45, amount="10.00", **refund)
    stock.pay("LAMP-1002", main, 30, customeremail=main.emails[-1], token=shared)
    stock.pay("LAMP-1003", main, 31, state="12")
    stock.pay("LAMP-0001", main, 2800)
    stock.pay("LAMP-1004", household, 20, token=shared)
    stock.pay("LAMP-1005", household, 19, customeremail="")  # no address on it: it could be hers
    stock.pay("LAMP-1006", town.person("p08"), 18, **_lived("delivery", main))  # a present for her
    stock.pay("LAMP-1007", like_named, 17)
    stock.pay("LAMP-1008", namesake, 16)
    stock.pay("LAMP-1009", tagged, 15)
    jane = town.person("p06")
    stock.pay("LAMP-1010", jane, 6, state="14", transactiontype="Deferred", token=stock.token("Jane's card", jane))
    stock.pay("LAMP-1011", town.person("p07"), 5, state="1", vpstxid="", customeremail="")  # refused at registration
    for person in town.neighbours[8:]:
        stock.pay(f"LAMP-OF-{person.id}", person, 4)
    stock.pay("LAMP-1020", town.person("p09"), 3, customeremail=town.mailboxes[0].email)
    stock.transactions.sort(key=lambda entry: datetime.strptime(entry["started"], "%d/%m/%Y %H:%M:%S.%f"))  # noqa: DTZ007  # as the service writes it
    return stock
