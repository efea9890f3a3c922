"""The options of the commands, as the command line and the environment give them."""

from typing import NamedTuple


class ServeOptions(NamedTuple):
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
    webhook_hosts: tuple[str, ...] = ()
    webhook_ca: str | None = None
    webhook_insecure: bool = False
    public_url: str | None = None


class RunOptions(NamedTuple):
    """The options of `drsim run`."""

    paths: tuple[str, ...]
    webhook: str | None
    webhook_token: str
    host: str
    port: int
    seed: int | None
    junit: str | None
    json: str | None
    variables: dict[str, str]
    expression: str | None
    tags: tuple[str, ...]
    jobs: int
    fail_fast: bool
    list: bool
    webhook_hosts: tuple[str, ...] = ()
    webhook_ca: str | None = None
    webhook_insecure: bool = False


class ListenOptions(NamedTuple):
    """The options of `drsim listen`. `register` is a server to make a webhook at; `delay` is in seconds."""

    host: str
    port: int
    tokens: tuple[str, ...]
    forward: str | None
    status: int
    delay: float
    body: bool
    register: str | None
    types: tuple[str, ...]
    key: str
    control_token: str | None
