"""One sandbox as it runs: its clock, seed, settings and counters, and the ids it gives out.

The state belongs to the action under way, which may be on the database thread; everybody else only reads its frozen
parts (clock, account).
"""

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import orjson

from drsim.domain.account import Account, Delays, Disabling, Fulfiller, RateLimit
from drsim.domain.clock import Clock, Time
from drsim.domain.faults import Fault
from drsim.domain.outcome import Rule
from drsim.domain.webhooks import Webhook
from drsim.engine.tokens import Tokens
from drsim.store import DueDelivery

Kept = tuple[int, Clock, Account, dict[str, int], Time]

COPIED = "copied"
"""What counts the orders that were made as copies."""

_ACCOUNT_SUFFIX = "0336"
"""What order, item and customer ids of one test account end in (resources page, 1.1)."""

_NUMBERED = {
    "fulfillment order": 10,
    "fulfillment order item": 12,
    "shipment": 11,
    "shipment item": 10,
    "fulfillment cancellation": 10,
    "fulfillment return": 10,
    "reservation": 10,
    "tracking": 14,
}
"""Ids that are plain numbers, with so many digits (surroundings page, 2.1 and 2.2)."""


@dataclass(slots=True, eq=False)
class Sandbox:
    """A merchant account. `seed` decides all its ids and made-up data together with `counters`."""

    name: str
    number: int
    seed: int
    clock: Clock
    account: Account = field(default_factory=Account)
    counters: dict[str, int] = field(default_factory=dict)
    last: Time = 0
    """The latest time anything happened here: time never runs backwards, even when the wall does."""
    due: Time | None = 0
    """No sale wakes before this; 0 until it was looked up."""
    calls: int = 0
    """Calls since it was loaded; counted on the event loop only."""
    webhooks: tuple[Webhook, ...] | None = None
    rules: tuple[Rule, ...] | None = None
    faults: tuple[Fault, ...] | None = None
    """Unlike the other lists these are known before they are asked for: every call and every delivery looks at them."""
    overtaken: dict[str, DueDelivery] = field(default_factory=dict)
    """By webhook, the delivery that the next one is to overtake; used on the event loop only. Where that is forgotten,
    it goes out when it is due."""
    tokens: Tokens = field(default_factory=Tokens)
    """Access tokens of its OAUTH webhooks; used on the event loop only."""
    over: bool = False
    """It was reset since: another one has its name now, and gives its ids out once more."""
    fired: list[tuple[Time, int, int, dict[str, str]]] | None = None
    """What happens is noted here while somebody moves the clock and wants to know."""

    def now(self, wall: Time) -> Time:
        """The simulated time; never earlier than anything that has happened."""
        self.last = max(self.last, self.clock.now(wall))
        return self.last

    def new_id(self, kind: str) -> str:
        """The next id of a kind: numbered per kind, so that ids of one kind never shift those of another."""
        count = self.counters[kind] = self.counters.get(kind, 0) + 1
        # A copied order brings ids along that may be those which would come next: from then on others do.
        copied = self.counters.get(COPIED)
        label = f"{kind} after {copied}" if copied else kind
        if kind in ("order", "item", "customer"):
            start = 10_000_000 + self._chance(label, 0) % 80_000_000
            return f"{start + count}{_ACCOUNT_SUFFIX}"
        if digits := _NUMBERED.get(kind):
            start = 10 ** (digits - 1)
            return str(start + self._chance(label, 0) % (8 * start) + count)
        if kind == "file_link":
            # What is found without a key must not be found in another sandbox of the same seed.
            label = f"{label}/{self.name}"
        return as_uuid(self._chance(label, count))

    def new_call_id(self) -> str:
        """The id of the next call. Safe on the event loop, since nothing else uses these numbers."""
        self.calls += 1
        return as_uuid(self._chance(f"call{self.counters.get('loaded', 0)}", self.calls))

    def share(self, label: str, count: int) -> float:
        """A number from 0 to 1 that follows from the seed: what a domain that knows no chance gets instead."""
        return self._chance(label, count) / (1 << 128)

    def _chance(self, label: str, count: int) -> int:
        return int.from_bytes(blake2b(f"{self.seed}/{label}/{count}".encode(), digest_size=16).digest())

    def kept(self) -> Kept:
        """Everything that outlives the process, and last the latest time: to compare and to go back to."""
        return self.seed, self.clock, self.account, dict(self.counters), self.last

    def take_back(self, kept: Kept) -> None:
        """Goes back to what was `kept` before something failed; everything derived is looked up anew."""
        self.seed, self.clock, self.account, self.counters, self.last = kept
        self.due = 0
        self.forget_lists()

    def know_webhook(self, webhook: Webhook) -> None:
        """One webhook is new or has changed."""
        if self.webhooks is not None:
            self.webhooks = tuple({**{each.id: each for each in self.webhooks}, webhook.id: webhook}.values())

    def forget_lists(self) -> None:
        """Webhooks and rules are looked up anew next time."""
        self.webhooks = self.rules = None

    def body(self) -> bytes:
        """Everything that outlives the process, as JSON."""
        kept = {"seed": self.seed, "clock": self.clock, "account": self.account, "counters": self.counters}
        return orjson.dumps({**kept, "last": self.last}, default=str)

    @classmethod
    def of(cls, name: str, number: int, body: bytes) -> "Sandbox":
        """The sandbox that was saved as `body`."""
        kept: dict[str, Any] = orjson.loads(body)
        account = kept["account"]
        fulfiller = account.get("fulfiller")
        limit, disabling = account["rate_limit"], account.get("webhook_disabling", {})
        return cls(
            name=name,
            number=number,
            seed=int(kept["seed"]),
            clock=Clock(**kept["clock"]),
            account=Account(
                **{
                    **account,
                    "delays": Delays(**account["delays"]),
                    "rate_limit": limit and RateLimit(**limit),
                    "capture_retries": tuple(account["capture_retries"]),
                    "webhook_retries": tuple(account["webhook_retries"]),
                    "webhook_disabling": None if disabling is None else Disabling(**disabling),
                    "fulfiller": fulfiller and Fulfiller(**fulfiller),
                }
            ),
            counters=kept["counters"],
            last=kept["last"],
        )


def as_uuid(number: int) -> str:
    """128 bits in the shape of a random UUID (version 4)."""
    digits = f"{number & (1 << 128) - 1:032x}"
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
