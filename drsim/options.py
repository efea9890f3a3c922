"""The options of `drsim serve`, as the command line and the environment give them."""

from typing import NamedTuple


class Options(NamedTuple):
    """The options of `drsim serve`."""

    host: str
    port: int
    db: str | None
    scenarios: tuple[str, ...]
    webhook: str | None
    webhook_token: str | None
    rate: float
    seed: int | None
    api_keys: tuple[str, ...]
    control_token: str | None
    quiet: bool
