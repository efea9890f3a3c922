"""The pages that shoppers see: plain HTML, without scripts, pictures or secrets, and links to nowhere but the shop."""

from html import escape

from drsim.domain.money import decimal, exponent
from drsim.domain.sources import Source
from drsim.web.answers import Answer, Headers

_HEADERS = [
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
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
    """A page for people; the call log does not keep it."""

    type = b"text/html;charset=UTF-8"
    note = b""

    def __init__(self, text: str, status: int = 200, headers: Headers = ()) -> None:
        super().__init__(text.encode(), status, [*_HEADERS, *headers])


def redirect(url: str) -> Page:
    """The way on to another address, which is given in letters that a header can hold."""
    return Page("", 302, [(b"location", url.encode("ascii"))])


def way_back(source: Source, *, approved: bool) -> str | None:
    """Where the shop wants the shopper to go on from here, if it has said so."""
    url = source.redirect.get("returnUrl" if approved else "cancelUrl")
    return url if isinstance(url, str) and url.startswith(("http://", "https://")) else None


def payment_page(source: Source) -> str:
    """Where the shopper approves or declines a payment."""
    return _page(
        "Test payment",
        f"""<p>Pay {_amount(source)} by {escape(source.type)}?</p>
<form method="post">
<button name="action" value="approve">Approve</button>
<button name="action" value="decline">Decline</button>
</form>""",
    )


def challenge_page(source: Source) -> str:
    """Where the bank asks the shopper for the password of a card."""
    return _page(
        "Test of a bank's challenge",
        f"""<p>Your bank wants to know that it is you who pays {_amount(source)}. The right password is "password".</p>
<form method="post">
<label>Password <input type="password" name="password" autocomplete="off"></label>
<button name="action" value="approve">Submit</button>
<button name="action" value="decline">Cancel</button>
</form>""",
    )


def over_page(source: Source) -> str:
    """What is left to see when there is nothing to decide any more."""
    approved = was_approved(source)
    link = way_back(source, approved=approved)
    back = f'<p><a href="{escape(link)}">Back to the shop</a></p>' if link else "<p>Go back to the shop.</p>"
    return _page("The payment is approved" if approved else "The payment was not made", back)


def was_approved(source: Source) -> bool:
    """Whether the shopper has approved what this source pays."""
    return source.state in ("chargeable", "consumed")


def _page(title: str, body: str) -> str:
    return _FRAME.format(title=escape(title), body=body)


def _amount(source: Source) -> str:
    if source.amount is None or source.currency is None:
        return "your order"
    return f"{decimal(source.amount, source.currency):.{exponent(source.currency)}f} {source.currency}"
