"""Host and Origin as browsers write them, and everything that only looks like this machine."""

from __future__ import annotations

import string
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easymaker_local.kit.hosts import is_loopback, parse_host, parse_origin

LOCAL = st.one_of(
    st.sampled_from(["localhost", "LOCALHOST", "a.localhost", "127.0.0.1", "[::1]"]),
    st.integers(0x7F000000, 0x7FFFFFFF).map(lambda n: str(IPv4Address(n))),
    st.sampled_from(["[0:0:0:0:0:0:0:1]", "[0000:0000:0000:0000:0000:0000:0000:0001]", "[::0001]", "[::ffff:127.0.0.1]"]),
)
PORT = st.just("") | st.integers(0, 65535).map(":{}".format)
NAME = st.text(string.ascii_letters + string.digits + "-", min_size=1, max_size=12).filter(lambda t: t.strip("-") == t)
DOMAIN = st.builds("{}.{}".format, NAME, st.sampled_from(["com", "lan", "internal", "nip.io", "localhost.example"]))


def is_own(text: str) -> bool:
    host = parse_host(text)
    return host is not None and is_loopback(host)


@given(LOCAL, PORT)
def test_this_machine_in_every_form_that_browsers_write(host: str, port: str) -> None:
    """Architecture 12."""
    assert is_own(host + port)
    origin = parse_origin(f"http://{host}{port}")
    assert origin is not None
    assert is_loopback(origin)


@given(DOMAIN, LOCAL, PORT)
def test_names_that_an_attacker_can_own(domain: str, host: str, port: str) -> None:
    """DNS rebinding: the name may lead to 127.0.0.1, it is still not ours; nor is one that carries ours somewhere in it."""
    bare = host.strip("[]").replace(":", "-")
    for text in (domain, f"{bare}.{domain}", f"{domain}.", f"localhost.{domain}", f"{bare}-{domain}", f"x{bare}.{domain}"):
        assert not is_own(text + port), text
        assert parse_origin(f"http://{text}{port}") is None or not is_own(text + port)


@given(DOMAIN, LOCAL, PORT)
def test_tricks_with_user_names_paths_and_ports(domain: str, host: str, port: str) -> None:
    for text in (
        f"{host}@{domain}", f"{domain}@{host}", f"{host}:80@{domain}", f"{host}{port}/{domain}", f"{host}/@{domain}",
        f"{domain}/{host}", f"{domain}#{host}", f"{domain}?{host}", f"{host}#@{domain}", f"{host}\\@{domain}", f"{host}:",
        f"{host}:{domain}", f"{host}:65536", f"{host}:-1", f"{host}:+80", f"{host}:8 0", f"{host}:٨٠", f"{host}:80:80",
        f" {host}", f"{host} ", f"{host}\t", f"{host}\n", f"{host}\0", f"{host},{domain}", f"{domain},{host}", f"{host}%00",
        f"{host}.{port}", f".{host}{port}", f"http://{host}{port}", f"//{host}", f"{host};{domain}",
    ):  # fmt: skip
        assert not is_own(text), text
        assert parse_origin(f"http://{text}") is None or not is_own(text)


@given(st.integers(0x7F000000, 0x7FFFFFFF), PORT)
def test_odd_forms_of_loopback_addresses(number: int, port: str) -> None:
    """Browsers write the usual form; who sends another one is no browser, and readers do not agree on it."""
    a, b, c, d = IPv4Address(number).packed
    for text in (
        str(number), hex(number), f"0{number:o}", f"{a}.{(b << 16) + (c << 8) + d}", f"{a}.{b}.{(c << 8) + d}",
        f"0x{a:x}.{b}.{c}.{d}", f"0{a:o}.{b}.{c}.{d}", f"0{a}.{b}.{c}.{d}", f"{a}.{b}.{c}.{d}.", f"{a}.{b}.{c}.{d}.{d}",
        f"{a}.{b}.{c}.0x{d:x}", f"[{a}.{b}.{c}.{d}]", f"::ffff:{a}.{b}.{c}.{d}", f"{a}.{b}.{c}.٣", f"[::ffff:{number:x}]",
    ):  # fmt: skip
        assert parse_host(text + port) is None, text


@pytest.mark.parametrize(
    "text",
    ["xlocalhost", "evil.xlocalhost", "evil-localhost",
     "", ":", ":80", "[]", "[", "]", "[::1", "::1", "::1]:80", "[::1]]", "[[::1]]", "[::1%lo]", "[::1%25lo]", "[fe80::1%eth0]",
     "[::]", "0.0.0.0", "0", "[::ffff:10.0.0.1]", "[::127.0.0.1]", "localhost.", "localhost..", ".localhost", "-.localhost",
     "a..localhost", "localhost_", "ⓛocalhost", "127。0。0。1", "localhoſt", "lоcalhost", "127.0.0.1\u200b", "*", "..",
     "a" * 300],
)  # fmt: skip
def test_what_is_nobodys_address(text: str) -> None:
    assert not is_own(text)


@given(st.text(max_size=30) | st.text("127.0:[]@/lochst%x\\?# ", max_size=20))
def test_a_second_reader_finds_the_same_host(text: str) -> None:
    """Whatever is accepted means the same to another parser: nothing is read in two ways."""
    host = parse_host(text)
    if host is None:
        return
    other = urlsplit(f"http://{text}/").hostname
    assert other is not None
    if isinstance(host, str):
        assert other == host
    else:
        address = IPv6Address(other) if ":" in other else IPv4Address(other)
        assert host in {address, getattr(address, "ipv4_mapped", None)}


@pytest.mark.parametrize(
    "text", ["null", "", "localhost", "127.0.0.1:1", "file://", "file://localhost", "ftp://localhost", "HTTP://localhost",
             "http:/localhost", "http://", "http:localhost", "http://localhost/", "http://localhost/a", "http://u@localhost",
             "chrome-extension://localhost", "http://localhost http://evil.example", "http://localhost, http://evil.example"],
)  # fmt: skip
def test_origins_that_no_page_of_this_machine_has(text: str) -> None:
    assert parse_origin(text) is None
