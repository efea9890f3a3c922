"""The JSON Schema of scenario files, for editors."""

import orjson

from drsim.format.schema import schema_of
from drsim.scenario.files import Scenario


def scenario_schema() -> bytes:
    """The schema (2020-12), as JSON."""
    return orjson.dumps(schema_of(Scenario, "drsim scenario"), option=orjson.OPT_INDENT_2)
