"""The pages that shoppers see: plain HTML, without scripts, pictures or secrets, and links to nowhere but the shop."""

from html import escape
from typing import Any

from starlette.types import Receive, Scope, Send

from drsim.domain.money import decimal, exponent
from drsim.domain.sources import Source
from drsim.web.answers import Answer

_HEADERS = [
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
]

_FRAME = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 1.1em sans-serif; max-width: 30em; margin: 3em auto; padding: 0 1em; }}
button, input {{ font: inherit; padding: .4em 1em; margin: .5em .5em 0 0; }}
</style>
</head>
<body>
<h1>{title}</h1>
{body}
<p><small>This is drsim, a sandbox: nothing is paid here.</small></p>
</body>
</html>
"""


class Page(Answer):
    """A page for people."""

    def __init__(self, text: str, status: int = 200) -> None:
        super().__init__(text.encode(), status)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends it; the call log keeps that it was a page."""
        scope["drsim.answer"] = b""
        length = (b"content-length", b"%d" % len(self.body))
        headers = [(b"content-type", b"text/html;charset=UTF-8"), length, *_HEADERS, *self.headers]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


class Redirect(Page):
    """The way on to another address."""

    def __init__(self, url: str) -> None:
        super().__init__("", 302)
        self.headers = [(b"location", url.encode("ascii"))]


def payment_page(source: Source) -> str:
    """Where the shopper approves or declines a payment."""
    body = """<p>Pay {amount} by {type}?</p>
<form method="post">
<button name="action" value="approve">Approve</button>
<button name="action" value="decline">Decline</button>
</form>"""
    return _page("Test payment", body, source)


def challenge_page(source: Source) -> str:
    """Where the bank asks the shopper for the password of a card."""
    body = """<p>Your bank wants to know that it is you who pays {amount}. The right password here is "password".</p>
<form method="post">
<label>Password <input type="password" name="password" autocomplete="off"></label>
<button name="action" value="approve">Submit</button>
<button name="action" value="decline">Cancel</button>
</form>"""
    return _page("Test of a bank's challenge", body, source)


def over_page(source: Source) -> str:
    """What is left to see when there is nothing to decide any more."""
    went_well = source.state in ("chargeable", "consumed")
    title = "The payment is approved" if went_well else "The payment was not made"
    link = source.redirect.get("returnUrl" if went_well else "cancelUrl")
    return _page(
        title, '<p><a href="{link}">Back to the shop</a></p>' if link else "<p>Go back to the shop.</p>", source
    )


def _page(title: str, body: str, source: Source) -> str:
    shown: dict[str, Any] = {
        "amount": _amount(source),
        "type": source.type,
        "link": source.redirect.get("returnUrl" if source.state in ("chargeable", "consumed") else "cancelUrl", ""),
    }
    filled = body.format(**{name: escape(str(text)) for name, text in shown.items()})
    return _FRAME.format(title=escape(title), body=filled)


def _amount(source: Source) -> str:
    if source.amount is None or source.currency is None:
        return "your order"
    return f"{decimal(source.amount, source.currency):.{exponent(source.currency)}f} {source.currency}"
