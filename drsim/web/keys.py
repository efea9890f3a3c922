"""API keys: which sandbox a key leads to, and what it may do.

`sk_test_NAME`, `rk_test_NAME` and `pk_test_NAME` lead to sandbox NAME; what follows a dot is a label of the key's own
(`rk_test_NAME.reporting`). Live keys are refused, so that nothing meant for the real API ends up here.
"""

import base64
import binascii
import re
from functools import lru_cache
from typing import Literal

from drsim.domain.values import value

_KEY = re.compile(r"(sk|rk|pk)_test_([A-Za-z0-9_-]{1,64})(?:\.([A-Za-z0-9_.-]{1,64}))?")
_SAFE = re.compile(r"[^A-Za-z0-9_-]")

DEFAULT_SANDBOX = "drsim"


@value
class Access:
    """What a key opens: a sandbox, as the merchant (`secret`) or as the shopper's browser (`public`).

    `label` is what follows the dot of a key: it tells one caller of a sandbox from another in the log.
    """

    sandbox: str
    role: Literal["secret", "public"]
    label: str | None = None


class Keys:
    """The keys a server takes: all well-formed test keys, or only those it was given."""

    def __init__(self, given: tuple[str, ...] = ()) -> None:
        self._given = {key: _given_access(key) for key in given}
        first = given[0] if given else f"sk_test_{DEFAULT_SANDBOX}"
        self.ready_key = first
        """A key to start with."""
        self.default_sandbox = self._given[first].sandbox if given else DEFAULT_SANDBOX
        """The sandbox that control calls without a key act on."""

    def shopper(self, key: str) -> Access | None:
        """What the public key in the address of a page opens, which is all that a shopper's browser has.

        It leads to the sandboxes of the given keys, even if it is not among them: drsim writes it into addresses.
        """
        access = self._given.get(key) or _access(key)
        if access is None or access.role != "public":
            return None
        known = not self._given or any(each.sandbox == access.sandbox for each in self._given.values())
        return access if known else None

    def access(self, authorization: str | None) -> Access | None:
        """What an `Authorization` header opens, or nothing."""
        if not authorization:
            return None
        if not self._given:
            return _any_access(authorization)
        key = _key_in(authorization)
        return None if key is None else self._given.get(key)


@lru_cache(maxsize=1024)
def _any_access(authorization: str) -> Access | None:
    key = _key_in(authorization)
    return None if key is None else _access(key)


def _access(key: str) -> Access | None:
    match = _KEY.fullmatch(key)
    return match and Access(match[2], "public" if match[1] == "pk" else "secret", match[3])


def _given_access(key: str) -> Access:
    return _access(key) or Access(_SAFE.sub("_", key)[:64], "public" if key.startswith("pk_") else "secret")


def _key_in(authorization: str) -> str | None:
    """The key of `Bearer KEY`, or of `Basic` with the key as user name, with or without the colon."""
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(rest.strip(), validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return None
