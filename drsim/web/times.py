"""Times and durations in queries and bodies."""

from drsim.domain.clock import Span, Time, parse_span, parse_time
from drsim.domain.refusal import Refused


def read_time(name: str, text: str) -> Time:
    """A timestamp as the API writes it. Raises `Refused`, naming the parameter."""
    try:
        return parse_time(text)
    except ValueError as error:
        message = f"{text[:100]} is not a valid timestamp."
        raise Refused("bad_request", "invalid_parameter", message, name) from error


def read_span(name: str, text: str) -> Span:
    """A duration such as `3d`. Raises `Refused`, naming the parameter."""
    try:
        return parse_span(text)
    except ValueError as error:
        raise Refused("bad_request", "invalid_parameter", f"{error}.", name) from error
