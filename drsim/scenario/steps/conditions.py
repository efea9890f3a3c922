"""Steps that change how things go from here on: `behave` for the payment provider, `fault` for network and server."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from drsim.format.faults import FaultModel
from drsim.format.fields import not_empty
from drsim.format.models import RuleModel
from drsim.format.substitute import with_ids
from drsim.scenario.play import Play
from drsim.scenario.steps.base import Step


class Behave(Step):
    """`behave`: more behavior rules, tried after those that are in force."""

    kind: ClassVar[str] = "behave"

    behave: Annotated[tuple[RuleModel, ...], not_empty("rule")]

    async def run(self, play: Play, written: Mapping[str, Any]) -> str:
        """Puts the rules in force."""
        for rule in written["behave"]:
            await play.control("POST", "/behavior", _named(rule, "order", play.aliases))
        return f"{len(self.behave)} in force"


class Fault(Step):
    """`fault`: more faults, tried after those that are in force."""

    kind: ClassVar[str] = "fault"

    fault: Annotated[tuple[FaultModel, ...], not_empty("fault")]

    async def run(self, play: Play, written: Mapping[str, Any]) -> str:
        """Puts the faults in force."""
        await play.settle()
        for fault in written["fault"]:
            await play.control("POST", "/faults", _named(fault, "to", play.aliases))
        return f"{len(self.fault)} in force"


def _named(rule: Mapping[str, Any], name: str, aliases: Mapping[str, str]) -> dict[str, Any]:
    """A rule with ids in place of aliases, in the one part of `when` that may name one."""
    when = {key: with_ids(each, aliases) if key == name else each for key, each in rule["when"].items()}
    return {**rule, "when": when}
