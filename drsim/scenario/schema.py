"""The JSON Schema of scenario files, for editors."""

import orjson

from drsim.scenario.files import Scenario


def scenario_schema() -> bytes:
    """The schema, as JSON."""
    return orjson.dumps(Scenario.model_json_schema(), option=orjson.OPT_INDENT_2)
