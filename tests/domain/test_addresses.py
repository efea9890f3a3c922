"""Which hosts and numbers are open, and how addresses are read."""

import contextlib
import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drsim.domain.addresses import Hosts, is_local, read_address, read_pattern

IN_PRIVATE = ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")


@given(st.ip_addresses())
def test_a_number_is_local_only_within_loopback_and_private_networks(number: ipaddress.IPv4Address) -> None:
    inside = any(number in ipaddress.ip_network(each) for each in IN_PRIVATE)
    assert not is_local(str(number)) or inside or getattr(number, "ipv4_mapped", None)


@given(st.ip_addresses(v=4))
def test_a_number_in_the_clothes_of_the_new_kind_is_judged_as_what_it_is(number: ipaddress.IPv4Address) -> None:
    assert is_local(f"::ffff:{number}") == is_local(str(number))


@pytest.mark.parametrize(
    ("named", "host", "opened"),
    [
        ("shop.example.com", "shop.example.com", True),
        ("shop.example.com", "shop.example.com.", True),
        ("shop.example.com", "a.shop.example.com", False),
        ("Shop.Example.Com", "shop.example.com", True),
        ("*.example.com", "a.b.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "badexample.com", False),
        ("*", "anything", True),
        ("[2001:DB8::0:1]", "2001:db8::1", True),
        ("8.8.8.8", "8.8.8.8", True),
        ("bücher.example", "xn--bcher-kva.example", True),
    ],
)
def test_a_host_is_opened_by_its_name_or_one_above_it(named: str, host: str, opened: bool) -> None:
    assert Hosts((read_pattern(named),)).names(host) == opened


@pytest.mark.parametrize(
    "text", ["", "*.", "*x", "a.*", "http://a", "a/b", "a:80", "127.1", "*.127.0.0.1", "a b", "@a"]
)
def test_what_names_no_host_cannot_be_opened(text: str) -> None:
    with pytest.raises(ValueError):
        read_pattern(text)


@pytest.mark.parametrize(
    ("text", "url", "port"),
    [
        ("HTTP://Shop:3000", "http://shop:3000/", 3000),
        ("https://shop?a=b", "https://shop/?a=b", 443),
        ("http://shop:/a%20b?c=%2F", "http://shop/a%20b?c=%2F", 80),
        ("http://shop/?", "http://shop/?", 80),
        ("http://bücher.example/ü?ß", "http://xn--bcher-kva.example/%C3%BC?%C3%9F", 80),
        ("http://[0:0::1]:9/", "http://[::1]:9/", 9),
    ],
)
def test_what_is_asked_for_is_what_was_written_in_ascii(text: str, url: str, port: int) -> None:
    read = read_address(text)
    assert (read.url, read.port) == (url, port)


@given(st.text(max_size=60))
def test_whatever_is_no_address_is_a_value_error(text: str) -> None:
    for each in (text, f"http://{text}", f"http://{text}/", f"http://shop/{text}"):
        with contextlib.suppress(ValueError):
            assert read_address(each).url.isascii()
