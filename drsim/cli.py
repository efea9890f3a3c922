"""The command line. Every option can also be set by an environment variable, `DRSIM_` and its name.

Exit codes: 0 all well, 1 an expectation failed, 2 wrong usage or an unreadable scenario, 3 could not run.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from drsim import __version__

if TYPE_CHECKING:
    from drsim.options import Options


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    from drsim import machine

    parser = build_parser(machine.environment())
    chosen = parser.parse_args(arguments)
    if chosen.command == "serve":
        from drsim.serve import serve

        return machine.run(lambda: serve(_serve_options(parser, chosen)))
    if chosen.command == "demo":
        from drsim.demo import demo

        return machine.run(demo)
    from drsim.wait import wait

    return wait(chosen.url, chosen.timeout)


def build_parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    """The parser, with defaults from the environment."""
    parser = argparse.ArgumentParser(
        prog="drsim",
        description="A local sandbox that behaves like the Digital River fulfillment and charge backend.",
        epilog="Every option has an environment variable: --db is DRSIM_DB, --webhook-token is DRSIM_WEBHOOK_TOKEN.",
    )
    parser.add_argument("--version", action="version", version=f"drsim {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_serve(commands.add_parser("serve", help="start the server"), environment)
    commands.add_parser("demo", help="play the whole story on a real server and a real receiver, then exit")
    _add_wait(commands.add_parser("wait", help="wait until a server answers"), environment)
    return parser


def _add_serve(parser: argparse.ArgumentParser, environment: Mapping[str, str]) -> None:
    def option(name: str, default: str | None = None, **settings: object) -> None:
        variable = "DRSIM_" + name[2:].replace("-", "_").upper()
        value: object = environment.get(variable, default)
        if settings.get("action") == "append":
            value = [each for each in environment.get(variable, "").split(",") if each]
        if settings.get("action") == "store_true":
            value = environment.get(variable, "").lower() not in ("", "0", "false", "no")
        parser.add_argument(name, default=value, **settings)  # type: ignore[arg-type]

    option("--host", "127.0.0.1", help="address to listen on (default: %(default)s)")
    option("--port", "3774", type=_port, help="port to listen on, 0 for a free one (default: %(default)s)")
    option("--db", metavar="PATH", help="file that keeps the state; without it the state goes with the process")
    option("--scenario", metavar="FILE", action="append", help="world to start with (account, given, behavior, faults)")
    option("--webhook", metavar="URL", help="endpoint that gets every event")
    option("--webhook-token", metavar="TOKEN", help="secret that signs the events to --webhook")
    option("--clock", "real", metavar="MODE", type=_rate, help="real, manual, or xN: N times as fast (default: real)")
    option("--seed", type=_seed, metavar="N", help="makes ids and made-up data repeat exactly")
    option("--api-key", metavar="KEY", action="append", help="take only this key (may be given several times)")
    option("--control-token", metavar="TOKEN", help="opens the control plane when --host is not this machine")
    option("--quiet", action="store_true", help="print nothing but the address")


def _add_wait(parser: argparse.ArgumentParser, environment: Mapping[str, str]) -> None:
    port = environment.get("DRSIM_PORT", "3774")
    parser.add_argument("--url", default=environment.get("DRSIM_URL", f"http://127.0.0.1:{port}"))
    parser.add_argument("--timeout", type=_seconds, default=10.0, metavar="SPAN", help="how long (default: 10s)")


def _serve_options(parser: argparse.ArgumentParser, chosen: argparse.Namespace) -> "Options":
    from drsim.options import Options

    if chosen.webhook_token and not chosen.webhook:
        parser.error("--webhook-token needs --webhook")
    return Options(
        host=chosen.host,
        port=chosen.port,
        db=chosen.db,
        scenarios=tuple(chosen.scenario),
        webhook=chosen.webhook,
        webhook_token=chosen.webhook_token,
        rate=chosen.clock,
        seed=chosen.seed,
        api_keys=tuple(chosen.api_key),
        control_token=chosen.control_token,
        quiet=chosen.quiet,
    )


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"'{text}' is not a port: 0 to 65535")
    return int(text)


def _seed(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number") from error


def _rate(text: str) -> float:
    from drsim.domain.clock import parse_rate

    try:
        return parse_rate(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _seconds(text: str) -> float:
    from drsim.domain.clock import SECOND, parse_span

    try:
        return parse_span(text) / SECOND
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


if __name__ == "__main__":
    sys.exit(main())
