"""The shopper's browser as the connectors' pages use it: a card or a redirect method, with the public key."""

from typing import Any

import httpx

from tests.harness import JSON, Client

ADDRESS = {"line1": "1 Any Street", "city": "Minneapolis", "postalCode": "55401", "state": "MN", "country": "US"}
OWNER = {"firstName": "Chase", "lastName": "Marshall", "email": "chase@example.com", "address": ADDRESS}
CARD = {"number": "4444222233331111", "expirationMonth": 12, "expirationYear": 2040, "cvv": "123"}


class Browser:
    """A browser with the public key of the client's sandbox; the library sends `bearer` in lower case."""

    def __init__(self, client: Client) -> None:
        key = client.http.headers["authorization"].split()[1].replace("sk_", "pk_", 1)
        self._url = str(client.http.base_url)
        self._headers = {"authorization": f"bearer {key}"}

    def source(self, session: str, type: str = "creditCard", **more: Any) -> JSON:
        """What the page gets for a filled-in form."""
        details: JSON = CARD if type == "creditCard" else {
            "returnUrl": f"https://shop.example.com/return?drPaymentSessionId={session}",
            "cancelUrl": f"https://shop.example.com/cancel?drPaymentSessionId={session}",
        }  # fmt: skip
        body = {"type": type, "sessionId": session, "owner": OWNER, type: details, **more}
        answer = httpx.post(f"{self._url.rstrip('/')}/payments/sources", json=body, headers=self._headers)
        assert answer.status_code in (200, 201), answer.text
        made: JSON = answer.json()
        assert made["state"] != "failed"
        return made

    def approve(self, url: str) -> str:
        """Opens the page of a redirect method and approves; returns where the browser is sent."""
        page = httpx.get(url)
        assert page.status_code == 200
        assert "approve" in page.text.lower()
        answer = httpx.post(url, data={"action": "approve"})
        assert answer.status_code == 302, answer.text
        location: str = answer.headers["location"]
        return location
