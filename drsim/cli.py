"""The command line. Every option can also be set by an environment variable, `DRSIM_` and its name.

Exit codes: 0 all well, 1 an expectation failed or a signature is not valid, 2 wrong usage or an unreadable file,
3 could not run.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from drsim import __version__, readers

if TYPE_CHECKING:
    from drsim.options import ListenOptions, RunOptions, ServeOptions


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    from drsim import machine

    try:
        return _run(arguments)
    except BrokenPipeError:  # whoever read the output has seen enough
        machine.drop_output()
        return 3


def _run(arguments: Sequence[str] | None) -> int:
    from drsim import machine

    parser = build_parser(machine.environment())
    chosen = parser.parse_args(arguments)
    if chosen.command == "serve":
        from drsim.serve import serve

        return machine.run(lambda: serve(_serve_options(parser, chosen)))
    if chosen.command == "run":
        from drsim.run import run

        return machine.run(lambda: run(_run_options(parser, chosen)))
    if chosen.command == "check":
        from drsim.run import check

        return check(chosen.paths, dict(chosen.var))
    if chosen.command == "schema":
        from drsim.run import schema

        return schema()
    if chosen.command == "openapi":
        from drsim.openapi import openapi

        return openapi(chosen.api_version, chosen.url, chosen.output)
    if chosen.command == "demo":
        from drsim.demo import demo

        return machine.run(demo)
    if chosen.command == "listen":
        from drsim.listen import listen

        return machine.run(lambda: listen(_listen_options(parser, chosen)))
    if chosen.command == "trigger":
        return _trigger(parser, chosen)
    if chosen.command == "verify":
        from drsim.verify import verify

        if not all(chosen.token or [""]) or chosen.header is None:
            parser.error("verify needs --token and --header")
        return verify(chosen.header, chosen.token, chosen.file, chosen.tolerance)
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
    _add_run(commands.add_parser("run", help="play scenario files; the exit code is the verdict"), environment)
    _add_check(commands.add_parser("check", help="read scenario files without playing them"), environment)
    commands.add_parser("schema", help="print the JSON Schema of scenario files, for editors")
    _add_openapi(commands.add_parser("openapi", help="print the OpenAPI description of the API"), environment)
    commands.add_parser("demo", help="play the whole story on a real server and a real receiver, then exit")
    _add_listen(commands.add_parser("listen", help="receive events, print them, verify them"), environment)
    _add_trigger(
        commands.add_parser("trigger", help="make a running server live through what leads to an event"), environment
    )
    _add_verify(commands.add_parser("verify", help="say whether the signature of a webhook is genuine"), environment)
    _add_wait(commands.add_parser("wait", help="wait until a server answers"), environment)
    return parser


class _Adder:
    """Adds options to a command, each with its environment variable as default."""

    def __init__(self, parser: argparse.ArgumentParser, environment: Mapping[str, str]) -> None:
        self._parser = parser
        self._environment = environment

    def __call__(self, *names: str, default: str | None = None, variable: str | None = None, **settings: Any) -> None:
        variable = variable or "DRSIM_" + names[-1].lstrip("-").replace("-", "_").upper()
        value: object = self._environment.get(variable, default)
        if settings.get("action") == "append":
            read = settings.get("type", str)
            value = [read(each) for each in self._environment.get(variable, "").split(",") if each]
        if settings.get("action") == "store_true":
            value = self._environment.get(variable, "").lower() not in ("", "0", "false", "no")
        self._parser.add_argument(*names, default=value, **settings)


def _add_serve(parser: argparse.ArgumentParser, environment: Mapping[str, str]) -> None:
    option = _Adder(parser, environment)
    option("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    option(
        "--port", default="3774", type=readers.port, help="port to listen on, 0 for a free one (default: %(default)s)"
    )
    option("--db", metavar="PATH", help="file that keeps the state; without it the state goes with the process")
    option("--scenario", metavar="FILE", action="append", help="world to start with: all of a scenario but its steps")
    option("--webhook", metavar="URL", type=readers.address, help="endpoint that gets every event")
    option("--webhook-token", metavar="TOKEN", help="secret that signs the events to --webhook")
    _add_network(option)
    option(
        "--clock",
        default="real",
        metavar="MODE",
        type=readers.rate,
        help="real, manual, or xN: N times as fast (default: real)",
    )
    option("--seed", type=readers.seed, metavar="N", help="makes ids and made-up data repeat exactly")
    option("--api-key", metavar="KEY", action="append", help="take only this key (may be given several times)")
    option("--control-token", metavar="TOKEN", help="opens the control plane when --host is not this machine")
    option(
        "--public-url",
        metavar="URL",
        type=readers.address,
        help="where others reach the server; addresses of invoices begin with it (default: where it listens)",
    )
    option("--quiet", action="store_true", help="print nothing but the address")


def _add_run(parser: argparse.ArgumentParser, environment: Mapping[str, str]) -> None:
    option = _Adder(parser, environment)
    parser.add_argument("paths", nargs="+", metavar="PATH", help="scenario file, or folder of them")
    option(
        "--webhook",
        metavar="URL",
        type=readers.address,
        help="endpoint of the system under test; webhooks without an address go there",
    )
    option("--webhook-token", metavar="TOKEN", help="secret that signs what goes to --webhook (default: whk_drsim)")
    _add_network(option)
    option("--host", default="127.0.0.1", help="address on which the system under test finds the API")
    option("--port", type=readers.port, metavar="N", help="port of the API (default: a free one, 3774 with --webhook)")
    option(
        "--seed",
        type=readers.seed,
        metavar="N",
        help="makes ids repeat; with --webhook they are new in each run otherwise",
    )
    option("--junit", metavar="FILE", help="write a JUnit XML report")
    option("--json", metavar="FILE", help="write a JSON report with everything")
    _add_variables(option)
    option("-k", "--keyword", metavar="EXPR", help="only those whose name or path fits, such as 'capture and not slow'")
    option("--tag", metavar="T", action="append", help="only those with one of these tags; !T: without this one")
    option(
        "--jobs", type=readers.jobs, metavar="N", help="play so many at a time (default: 4, always 1 with --webhook)"
    )
    option("--fail-fast", action="store_true", help="stop after the first failure")
    option("--list", action="store_true", help="name the scenarios instead of playing them")


def _add_network(option: _Adder) -> None:
    option(
        "--webhook-host",
        metavar="NAME",
        action="append",
        type=readers.host,
        help="webhooks may also go there; others go to local networks only (*.example.com: names below, *: all)",
    )
    option("--webhook-ca", metavar="FILE", help="trust these certificates of https webhooks, too")
    option("--webhook-insecure", action="store_true", help="trust every certificate of https webhooks")


def _add_variables(option: _Adder) -> None:
    option(
        "--var",
        metavar="K=V",
        action="append",
        type=readers.variable,
        help="what ${K} stands for, before the environment",
    )


def _add_check(parser: argparse.ArgumentParser, environment: Mapping[str, str]) -> None:
    option = _Adder(parser, environment)
    parser.add_argument("paths", nargs="+", metavar="PATH", help="scenario file, or folder of them")
    _add_variables(option)


def _add_openapi(parser: argparse.ArgumentParser, environment: Mapping[str, str]) -> None:
    option = _Adder(parser, environment)
    option("--api-version", metavar="V", type=readers.version, help="as of this API version (default: the latest)")
    option(
        "--url",
        default=_server_url(environment),
        type=readers.address,
        help="where it is served (default: %(default)s)",
    )
    option("--output", metavar="FILE", help="write it there instead")


def _add_listen(parser: argparse.ArgumentParser, environment: Mapping[str, str]) -> None:
    option, here = _Adder(parser, environment), _server_url(environment)
    # DRSIM_HOST and DRSIM_PORT are where the server listens.
    option(
        "--host",
        default="127.0.0.1",
        variable="DRSIM_LISTEN_HOST",
        help="address to listen on (default: %(default)s; DRSIM_LISTEN_HOST)",
    )
    option(
        "--port",
        default="3775",
        type=readers.port,
        variable="DRSIM_LISTEN_PORT",
        help="port to listen on, 0 for a free one (default: %(default)s; DRSIM_LISTEN_PORT)",
    )
    option("--token", metavar="TOKEN", action="append", help="secret to verify signatures with (may be given again)")
    option(
        "--forward",
        metavar="URL",
        type=readers.address,
        help="send each request on to there, and answer what that answers",
    )
    option("--status", metavar="N", type=readers.status, help="what to answer (default: 200)")
    option("--delay", metavar="SPAN", type=readers.seconds, default="0s", help="how long to wait before answering")
    option("--body", action="store_true", help="print bodies as well")
    option(
        "--register",
        nargs="?",
        const=here,
        metavar="URL",
        type=lambda text: readers.server(text, here),
        help=f"make a webhook for this receiver at a running server meanwhile (default: {here})",
    )
    option(
        "--types", metavar="T,...", type=readers.types, help="with --register: only these event types, such as order.*"
    )
    option("--key", default="sk_test_drsim", help="with --register: key to the sandbox (default: %(default)s)")
    option("--control-token", metavar="TOKEN", help="with --register: what the server was started with")


def _add_trigger(parser: argparse.ArgumentParser, environment: Mapping[str, str]) -> None:
    option = _Adder(parser, environment)
    parser.add_argument("type", nargs="?", metavar="TYPE", help="event type, such as order.charge.capture.failed")
    option("--order", metavar="ID", help="live through it with this order instead of a new one")
    option("--url", default=_server_url(environment), type=readers.address, help="the server (default: %(default)s)")
    option("--key", default="sk_test_drsim", help="key to the sandbox (default: %(default)s)")
    option("--control-token", metavar="TOKEN", help="what the server was started with")
    parser.add_argument("--list", action="store_true", help="name the event types instead, and what leads to them")


def _server_url(environment: Mapping[str, str]) -> str:
    """Where a server on this machine is reached."""
    return environment.get("DRSIM_URL", f"http://127.0.0.1:{environment.get('DRSIM_PORT', '3774')}")


def _add_verify(parser: argparse.ArgumentParser, environment: Mapping[str, str]) -> None:
    option = _Adder(parser, environment)
    parser.add_argument("file", nargs="?", metavar="FILE", help="the raw body (default: standard input)")
    option(
        "--token", metavar="TOKEN", action="append", type=readers.text, help="signing secret; one of several is enough"
    )
    option("--header", metavar="TEXT", type=readers.text, help="the DigitalRiver-Signature header as it came")
    option(
        "--tolerance", metavar="SPAN", type=readers.span, help="the timestamp may be no further from now, such as 5m"
    )


def _add_wait(parser: argparse.ArgumentParser, environment: Mapping[str, str]) -> None:
    parser.add_argument("--url", default=_server_url(environment))
    parser.add_argument("--timeout", type=readers.seconds, default=10.0, metavar="SPAN", help="how long (default: 10s)")


def _serve_options(parser: argparse.ArgumentParser, chosen: argparse.Namespace) -> "ServeOptions":
    from drsim.options import ServeOptions

    if chosen.webhook_token and not chosen.webhook:
        parser.error("--webhook-token needs --webhook")
    return ServeOptions(
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
        webhook_hosts=tuple(chosen.webhook_host),
        webhook_ca=chosen.webhook_ca,
        webhook_insecure=chosen.webhook_insecure,
        public_url=chosen.public_url and chosen.public_url.rstrip("/"),
    )


def _run_options(parser: argparse.ArgumentParser, chosen: argparse.Namespace) -> "RunOptions":
    from drsim.options import RunOptions

    if chosen.webhook_token and not chosen.webhook:
        parser.error("--webhook-token needs --webhook")
    if chosen.webhook and (chosen.jobs or 1) > 1:
        parser.error(
            "--jobs needs sandboxes of their own, a system under test has only one: leave out --jobs or --webhook"
        )
    return RunOptions(
        paths=tuple(chosen.paths),
        webhook=chosen.webhook,
        webhook_token=chosen.webhook_token or "whk_drsim",
        host=chosen.host,
        port=(3774 if chosen.webhook else 0) if chosen.port is None else chosen.port,
        seed=chosen.seed,
        junit=chosen.junit,
        json=chosen.json,
        variables=dict(chosen.var),
        expression=chosen.keyword,
        tags=tuple(chosen.tag),
        jobs=1 if chosen.webhook else chosen.jobs or 4,
        fail_fast=chosen.fail_fast,
        list=chosen.list,
        webhook_hosts=tuple(chosen.webhook_host),
        webhook_ca=chosen.webhook_ca,
        webhook_insecure=chosen.webhook_insecure,
    )


def _listen_options(parser: argparse.ArgumentParser, chosen: argparse.Namespace) -> "ListenOptions":
    from drsim.domain.events import TYPES
    from drsim.options import ListenOptions

    if chosen.forward and chosen.status is not None:
        parser.error("--forward answers what the other end answers: leave out --forward or --status")
    if chosen.types and not chosen.register:
        parser.error("--types needs --register")
    return ListenOptions(
        host=chosen.host,
        port=chosen.port,
        tokens=tuple(chosen.token),
        forward=chosen.forward,
        status=chosen.status or 200,
        delay=chosen.delay,
        body=chosen.body,
        register=chosen.register,
        types=chosen.types or tuple(sorted(TYPES)),
        key=chosen.key,
        control_token=chosen.control_token,
    )


def _trigger(parser: argparse.ArgumentParser, chosen: argparse.Namespace) -> int:
    from drsim.trigger import list_triggers, trigger

    if chosen.list:
        return list_triggers()
    if chosen.type is None:
        parser.error("trigger needs a TYPE; --list names them")
    from drsim.remote import Server

    return trigger(chosen.type, chosen.order, Server(chosen.url, chosen.key, chosen.control_token))


if __name__ == "__main__":
    sys.exit(main())
