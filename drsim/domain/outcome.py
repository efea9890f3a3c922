"""What the payment provider does with one operation, and when: the sandbox's behavior rules first, then the source's
test card or test name, then success.
"""

from collections.abc import Mapping
from dataclasses import field
from decimal import Decimal
from typing import Any, Literal

from drsim.domain.account import Account
from drsim.domain.clock import Span
from drsim.domain.matching import fits
from drsim.domain.methods import FAILS_LATER, Trouble
from drsim.domain.values import replace, value

Operation = Literal["authorize", "capture", "cancel", "refund", "screen"]
OPERATIONS: tuple[Operation, ...] = ("authorize", "capture", "cancel", "refund", "screen")

FAILURE_CODE = "failed-request"
FAILURE_MESSAGE = "Failed to operate on charge"
"""What nearly all failures of the vendor say (page "Capturing and cancelling charges", "Failed charge captures")."""


@value
class Failure:
    """Why an operation failed, as `failureCode` and `failureMessage` show it."""

    code: str = FAILURE_CODE
    message: str = FAILURE_MESSAGE


@value
class Outcome:
    """How an operation ends: `after` this long (`None`: never) it is complete, or has failed with `failure`."""

    after: Span | None
    failure: Failure | None = None
    ruled: bool = field(default=False, compare=False)
    """Whether a behavior rule has decided it."""


@value
class Then:
    """The `then` of a behavior rule: pending for `after`, then `state`; a pending one may have a `next`."""

    state: Literal["complete", "failed", "pending"]
    after: Span | None = None
    failure: Failure = Failure()
    next: "Then | None" = None

    def outcome(self, usual: Span) -> Outcome:
        """The chain as one outcome; where no `after` is given for a whole chain, the `usual` delay is."""
        after, link, said = 0, self, False
        while True:
            if link.after is not None:
                after, said = after + link.after, True
            if link.state != "pending" or link.next is None:
                break
            link = link.next
        if link.state == "pending":
            return Outcome(None, ruled=True)
        return Outcome(after if said else usual, link.failure if link.state == "failed" else None, ruled=True)


@value
class Rule:
    """One behavior rule. `when` maps facts to patterns (`Facts.value`); `left` counts down, `None` is without end."""

    id: str
    operation: Operation
    when: Mapping[str, Any]
    then: Then
    left: int | None = None


@value
class Facts:
    """What a rule can look at: ids, the source, the amount in major units, and the how manieth try on this charge."""

    order: str
    charge: str
    source_type: str
    last_four: str | None
    amount: Decimal
    attempt: int
    upstream_id: str | None

    def value(self) -> dict[str, Any]:
        """The facts under the names that `when` uses."""
        source = {"type": self.source_type}
        if self.last_four:
            source["lastFourDigits"] = self.last_four
        facts = {"order": self.order, "charge": self.charge, "source": source, "amount": self.amount}
        facts["attempt"] = self.attempt
        if self.upstream_id is not None:
            facts["upstreamId"] = self.upstream_id
        return facts


def decide(
    operation: Operation, facts: Facts, troubles: tuple[Trouble, ...], rules: tuple[Rule, ...], account: Account
) -> tuple[Outcome, tuple[Rule, ...]]:
    """What happens to this operation, and the rules that are left afterwards."""
    usual: Span = 0 if operation == "screen" else getattr(account.delays, operation)
    rule, left = matching_rule(operation, facts, rules)
    if rule:
        return rule.then.outcome(usual), left
    for trouble in troubles:
        if trouble.stage == operation:
            return _trouble_outcome(trouble, usual), rules
    return Outcome(usual), rules


def matching_rule(operation: Operation, facts: Facts, rules: tuple[Rule, ...]) -> tuple[Rule | None, tuple[Rule, ...]]:
    """The first rule that fits, and all rules after it was used once."""
    for place, rule in enumerate(rules):
        if rule.left != 0 and rule.operation == operation and fits(rule.when, facts.value()):
            if rule.left is None:
                return rule, rules
            return rule, (*rules[:place], replace(rule, left=rule.left - 1), *rules[place + 1 :])
    return None, rules


def _trouble_outcome(trouble: Trouble, usual: Span) -> Outcome:
    if trouble.how == "stuck":
        return Outcome(None)
    return Outcome(usual + (FAILS_LATER if trouble.how == "fails_later" else 0), Failure())
