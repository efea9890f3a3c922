"""Where webhooks may go: how their addresses are read, and which hosts and networks are open to them.

drsim's own: whoever may make a webhook decides what this machine connects to. So deliveries stay on this machine and in
private networks, unless whoever starts drsim names further hosts. What a name leads to is known only when it is
connected to; `Hosts` then decides about the very address (see `drsim.engine.transport`).
"""

import re
import string
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import quote, urlsplit

from drsim.domain.refusal import Refused, invalid
from drsim.domain.values import value

LONGEST = 2_048
"""No address may have more characters than this."""

_LOCAL = tuple(
    ip_network(each) for each in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
)
_CLOSED = tuple(
    ip_network(each)
    for each in (
        "0.0.0.0/8",
        "169.254.0.0/16",  # link-local; metadata services of clouds answer here
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/128",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
        "fd00:ec2::254/128",  # metadata services, though in a private network
        "fd20:ce::254/128",
    )
)
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*")
_USER = re.compile(r"//[^/?#]*@")


@value
class Address:
    """An address that was read: `host` in lower case and ASCII, without brackets; `url` is what is asked for."""

    scheme: str
    host: str
    port: int
    url: str

    @property
    def is_outside(self) -> bool:
        """Whether it is written as a number that leads out of the local networks."""
        number = _number(self.host)
        return number is not None and not is_local(number)


@value
class Hosts:
    """The hosts that whoever starts drsim has opened beside the local networks: names, `*.example.com`, or `*`."""

    named: tuple[str, ...] = ()

    def names(self, host: str) -> bool:
        """Whether this host is opened by its name."""
        host = host.rstrip(".")
        return any(
            each in ("*", host) or (each.startswith("*.") and host.endswith(each[1:]) and host != each[1:])
            for each in self.named
        )

    def leads_to(self, number: str) -> bool:
        """Whether a host that is opened by its name may be at this number: link-local ones have to be named as such."""
        found = _number(number)
        return found is not None and (str(found) in self.named or not _is_in(found, _CLOSED))


def is_local(number: IPv4Address | IPv6Address | str) -> bool:
    """Whether this is an address of this machine or of a private network, which are always open."""
    found = _number(number) if isinstance(number, str) else _plain(number)
    return found is not None and _is_in(found, _LOCAL) and not _is_in(found, _CLOSED)


@lru_cache(maxsize=1_024)  # each delivery asks for its own
def read_address(text: str) -> Address:
    """Reads an absolute http or https URL without user name and fragment. Raises `ValueError`.

    Numbers are taken in their usual notation only: what else a system reads as one (`127.1`, `0x7f000001`) is not a
    name, and not what it looks like.
    """
    if len(text) > LONGEST or "\\" in text or "#" in text or any(each <= " " or each == "\x7f" for each in text):
        raise ValueError("characters that no address has")
    parts = urlsplit(text)
    port = parts.port
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or port == 0:
        raise ValueError("not an address")
    host = _read_host(parts.hostname, bracketed="[" in parts.netloc)
    place = (f"[{host}]" if ":" in host else host) + ("" if port is None else f":{port}")
    rest = (parts.path or "/") + (f"?{parts.query}" if "?" in text else "")
    url = f"{parts.scheme}://{place}{quote(rest, safe=string.punctuation)}"
    return Address(parts.scheme, host, port or (443 if parts.scheme == "https" else 80), url)


def read_pattern(text: str) -> str:
    """Reads the name of a host to be opened: a name, `*.` and a name, a number, or `*`. Raises `ValueError`."""
    if text == "*":
        return text
    star, name = ("*.", text[2:]) if text.startswith("*.") else ("", text.removeprefix("[").removesuffix("]"))
    host = _read_host(name, bracketed=":" in name).rstrip(".")
    if star and _number(host):
        raise ValueError("a number has no names below it")
    return star + host


def checked_address(text: str, hosts: Hosts, parameter: str = "address") -> Address:
    """An address that something may be sent to, as far as it can be told without connecting. Raises `Refused`."""
    shown = _USER.sub("//…@", text[:100])
    try:
        address = read_address(text)
    except ValueError as error:
        raise invalid(parameter, shown, "URL") from error
    if address.is_outside and not (hosts.names(address.host) and hosts.leads_to(address.host)):
        message = f"'{shown}' is not on a local network: start drsim with --webhook-host to send there."
        raise Refused("bad_request", "invalid_parameter", message, parameter)
    return address


def _read_host(written: str, *, bracketed: bool) -> str:
    host = (written if written.isascii() else written.encode("idna").decode()).lower()
    if bracketed:
        if "%" in host:
            raise ValueError("an address with a zone")
        return str(IPv6Address(host))
    labels = host.removesuffix(".").split(".")
    if _NUMERIC.fullmatch(labels[-1]):
        return str(IPv4Address(host))
    if len(host) > 254 or not all(_LABEL.fullmatch(each) for each in labels):
        raise ValueError("not the name of a host")
    return host


def _number(text: str) -> IPv4Address | IPv6Address | None:
    """The number that a host is written as, if it is; the IPv4 number in an IPv6 one that stands for it."""
    try:
        return _plain(ip_address(text.partition("%")[0]))
    except ValueError:
        return None


def _plain(number: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    return (number.ipv4_mapped or number) if isinstance(number, IPv6Address) else number


def _is_in(number: IPv4Address | IPv6Address, networks: tuple[object, ...]) -> bool:
    return any(number in network for network in networks)  # type: ignore[operator]
