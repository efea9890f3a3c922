"""Payment methods, test cards and test names: what the payment provider does, as rows of data.

A new test card or test name is one more row. Source: resources page, sections 6 and 7.
"""

import re
from collections.abc import Mapping
from typing import Literal

from drsim.domain.clock import DAY, MINUTE, SECOND, Span
from drsim.domain.values import value

Flow = Literal["standard", "redirect", "receiver"]
Stage = Literal["source", "authorize", "capture", "cancel", "refund"]
How = Literal["fails", "fails_later", "fails_on_return", "stuck"]

FAILS_LATER: Span = MINUTE
"""How much longer than usual an operation is pending before a "pending, then failed" trigger fails it."""

UNPAID_AFTER: Span = 30 * SECOND
"""When a delayed source that never gets its money is given up (the published `SourceFailWithDelay` order)."""

EXPIRES_AFTER: Mapping[Flow, Span] = {"receiver": 30 * DAY, "redirect": DAY, "standard": DAY}
"""How long the shopper has time to pay or to pass the bank's challenge. Wire transfers and konbini have thirty days
(resources page, 4.6); the others are drsim's own."""


@value
class Trouble:
    """Where a test card or test name makes a payment go wrong, and how.

    `fails` fails as soon as the stage usually ends, `fails_later` stays pending first, `stuck` stays pending for ever,
    and `fails_on_return` fails once the shopper has approved and comes back.
    """

    stage: Stage
    how: How


@value
class Method:
    """What a source type can do: how the shopper pays with it, and the states its source starts in before and after."""

    flow: Flow = "standard"
    storable: bool = False
    """Whether customers can save it for later (resources page, 7.1, "recurring")."""
    refunds_to_bank: bool = False
    """Whether money goes back by bank transfer, for which the customer has to give the details."""

    @property
    def unpaid_state(self) -> str:
        """The source state while the shopper's money is awaited."""
        return {"standard": "chargeable", "redirect": "pending_redirect", "receiver": "pending_funds"}[self.flow]


_CARD = Method(storable=True)
_STANDARD, _REDIRECT, _RECEIVER = Method(), Method("redirect"), Method("receiver", refunds_to_bank=True)
_STORABLE_REDIRECT = Method("redirect", storable=True)

METHODS: dict[str, Method] = {
    "creditCard": _CARD,
    "googlePay": _CARD,
    "applePay": _CARD,
    "customerCredit": _STANDARD,
    "giftCard": _STANDARD,
    "payPal": _REDIRECT,
    "payPalBilling": _STORABLE_REDIRECT,
    "payPalCredit": _REDIRECT,
    "klarnaCredit": _STORABLE_REDIRECT,
    "klarnaCreditRecurring": _STORABLE_REDIRECT,
    "afterPay": _REDIRECT,
    "clearPay": _REDIRECT,
    "bancontact": _REDIRECT,
    "bnpParibas": _REDIRECT,
    "trustly": _REDIRECT,
    "blik": _REDIRECT,
    "fpxOnlineBanking": _REDIRECT,
    "ideal": _STORABLE_REDIRECT,
    "onlineBanking": Method("redirect", refunds_to_bank=True),
    "alipay": _REDIRECT,
    "alipayCn": _STORABLE_REDIRECT,
    "amazonPay": _STORABLE_REDIRECT,
    "directDebit": _STORABLE_REDIRECT,
    "msts": _STORABLE_REDIRECT,
    "ccAvenue": _REDIRECT,
    "payco": _REDIRECT,
    "bankTransfer": _REDIRECT,
    "wireTransfer": _RECEIVER,
    "konbini": _RECEIVER,
    "bPay": _RECEIVER,
    "codJapan": _RECEIVER,
}

CARD_TYPES = ("creditCard", "googlePay", "applePay")
"""Source types that show a card's brand, expiry and last four digits."""

TEST_CARDS: dict[str, Trouble] = {
    "4000000000003295": Trouble("source", "fails"),
    "4000000000003600": Trouble("authorize", "fails"),
    "4000000000004103": Trouble("capture", "fails"),
    "4000000000004442": Trouble("cancel", "fails"),
    "4000000000004111": Trouble("refund", "fails"),
    "4485951788521565": Trouble("capture", "fails_later"),
    "4556602564240839": Trouble("refund", "fails_later"),
    "4024007120579635": Trouble("capture", "stuck"),
    "4000000000000028": Trouble("capture", "stuck"),
}
"""Every card that goes wrong; all others succeed."""

CHALLENGED_CARDS = frozenset(("5454545454545454", "4917610000000000"))
"""The cards whose bank asks the shopper for a password first (3-D Secure)."""

CHALLENGE_PASSWORD = "password"
"""What the shopper has to answer (surroundings page, 4.5)."""

_CHALLENGED_NAMES = {"googlePay": ("SCATest", "SCATestFail")}

_PAYPAL = ("payPal", "payPalBilling", "payPalCredit")
_RECEIVERS = tuple(name for name, method in METHODS.items() if method.flow == "receiver")

TEST_NAMES: tuple[tuple[tuple[str, ...], str, Trouble], ...] = (
    (("googlePay",), "SourceFail", Trouble("source", "fails")),
    (("googlePay",), "ChargeFail", Trouble("authorize", "fails")),
    (("googlePay",), "CaptureFail", Trouble("capture", "fails")),
    (("googlePay",), "CancelFail", Trouble("cancel", "fails")),
    (("googlePay",), "RefundFail", Trouble("refund", "fails")),
    (("googlePay",), "SCATestFail", Trouble("authorize", "fails")),
    ((*_PAYPAL, "klarnaCredit"), "SourceCreationFail", Trouble("source", "fails")),
    ((*_PAYPAL, "klarnaCredit"), "ChargeCreationFail", Trouble("authorize", "fails")),
    ((*_PAYPAL, "klarnaCredit"), "RefundFail", Trouble("refund", "fails")),
    (("directDebit",), "SourceFail", Trouble("source", "fails")),
    (("directDebit",), "SourceFailAfterRedirect", Trouble("source", "fails_on_return")),
    (("directDebit",), "ChargeFail", Trouble("authorize", "fails")),
    (("directDebit",), "ChargeFailedAfterPending", Trouble("authorize", "fails_later")),
    (("directDebit",), "ChargeRemainPending", Trouble("authorize", "stuck")),
    (("directDebit",), "RefundFail", Trouble("refund", "fails")),
    (("directDebit",), "RefundFailedAfterPending", Trouble("refund", "fails_later")),
    (("alipay",), "authFail", Trouble("source", "fails")),
    (("alipay",), "authFailAfterRedirect", Trouble("authorize", "fails_later")),
    (("alipay",), "refundFail", Trouble("refund", "fails")),
    (_RECEIVERS, "SourceCreationFail", Trouble("source", "fails")),
    (_RECEIVERS, "SourceFailWithDelay", Trouble("source", "fails_later")),
    (_RECEIVERS, "RefundFailWhileCreation", Trouble("refund", "fails")),
    (_RECEIVERS, "RefundFailAfterPaymentInfo", Trouble("refund", "fails_later")),
)
"""Source types, the owner's last name, and what it brings about."""

CARD_NUMBER = re.compile(r"(?<![0-9])[0-9](?:[ -]?[0-9]){12,18}(?![0-9])")
"""What may be a card number within a text: nothing that drsim logs or answers repeats it."""

_BRANDS = (
    (re.compile(r"4"), "Visa"),
    (re.compile(r"5[1-5]|2[2-7]"), "MasterCard"),
    (re.compile(r"3[47]"), "American Express"),
    (re.compile(r"30[0-5]|3[689]"), "Diners Club"),
    (re.compile(r"35"), "JCB"),
    (re.compile(r"62"), "UnionPay"),
    (re.compile(r"6"), "Discover"),
)


@value
class Card:
    """What is kept of a card number: never the number itself."""

    brand: str
    last_four: str
    trouble: Trouble | None
    challenged: bool = False
    """Whether its bank asks for a password before it pays."""


def read_card(number: str) -> Card:
    """Reduces a card number, with or without blanks or dashes, to what may be kept of it.

    Raises `ValueError` for what is not 12 to 19 digits of a brand drsim knows; the message never holds the number.
    """
    digits = re.sub(r"[ -]", "", number)
    if not re.fullmatch(r"[0-9]{12,19}", digits):
        raise ValueError("not a card number: 12 to 19 digits, blanks and dashes allowed")
    for pattern, brand in _BRANDS:
        if pattern.match(digits):
            return Card(brand, digits[-4:], TEST_CARDS.get(digits), digits in CHALLENGED_CARDS)
    raise ValueError("not a card number of a known brand")


def trouble_by_name(type: str, last_name: str) -> Trouble | None:
    """The trouble that this owner's last name asks for with this source type, if it is a test name."""
    for types, name, trouble in TEST_NAMES:
        if type in types and name == last_name:
            return trouble
    return None


def is_challenged_name(type: str, last_name: str) -> bool:
    """Whether this owner's last name asks for the bank's challenge with this source type."""
    return last_name in _CHALLENGED_NAMES.get(type, ())
