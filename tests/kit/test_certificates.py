"""The local certificate authority: made once, renewed in time, bound to this machine."""

from __future__ import annotations

import datetime
import ssl
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography import x509

from easymaker_local.kit import certificates
from easymaker_local.kit.certificates import AUTHORITY_DAYS, DAY, LEAF_DAYS, ensure_bundle, ensure_certificates

HOSTS = ["localhost", "127.0.0.1", "::1"]
NOW = datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC)


@pytest.fixture(autouse=True)
def _no_roots_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)


def leaf(folder: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / "leaf.pem").read_bytes())


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_second_start_changes_nothing(tmp_path: Path) -> None:
    ensure_certificates(tmp_path, HOSTS, NOW)
    before = contents(tmp_path)
    ensure_certificates(tmp_path, HOSTS, NOW + 300 * DAY)
    assert contents(tmp_path) == before


def test_the_leaf_is_renewed_before_it_ends_and_clients_go_on_trusting(tmp_path: Path) -> None:
    ensure_certificates(tmp_path, HOSTS, NOW)
    before, authority = leaf(tmp_path), (tmp_path / "ca.pem").read_bytes()
    later = NOW + (LEAF_DAYS - 30) * DAY
    ensure_certificates(tmp_path, HOSTS, later)
    assert leaf(tmp_path).serial_number != before.serial_number
    assert leaf(tmp_path).not_valid_after_utc == later + LEAF_DAYS * DAY
    assert (tmp_path / "ca.pem").read_bytes() == authority


def test_an_authority_outlives_what_it_signs(tmp_path: Path) -> None:
    for year in range(12):
        now = NOW + year * 365 * DAY
        found = ensure_certificates(tmp_path, HOSTS, now)
        authority = x509.load_pem_x509_certificate(found.authority.read_bytes())
        assert authority.not_valid_after_utc > leaf(tmp_path).not_valid_after_utc
        leaf(tmp_path).verify_directly_issued_by(authority)
        assert found.bundle.read_bytes().startswith(found.authority.read_bytes())
    assert AUTHORITY_DAYS < 12 * 365


def test_other_names_and_damaged_files_lead_to_new_ones(tmp_path: Path) -> None:
    ensure_certificates(tmp_path, HOSTS, NOW)
    first = leaf(tmp_path)
    ensure_certificates(tmp_path, [*HOSTS, "192.168.0.7"], NOW)
    second = leaf(tmp_path)
    assert second.serial_number != first.serial_number
    for name in ("leaf.key", "leaf.pem", "ca.key", "ca.pem"):
        (tmp_path / name).write_bytes(b"broken")
        found = ensure_certificates(tmp_path, HOSTS, NOW)
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(found.leaf, found.leaf_key)
        leaf(tmp_path).verify_directly_issued_by(x509.load_pem_x509_certificate(found.authority.read_bytes()))


def test_the_authority_can_certify_no_foreign_host(tmp_path: Path) -> None:
    found = ensure_certificates(tmp_path, HOSTS, NOW)
    authority = x509.load_pem_x509_certificate(found.authority.read_bytes())
    constraints = authority.extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    assert constraints.value.permitted_subtrees is not None
    assert {name.value for name in constraints.value.permitted_subtrees if isinstance(name, x509.DNSName)} == {
        "localhost", "internal"
    }  # fmt: skip


def test_the_bundle_keeps_what_the_users_clients_trust(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """rest-api §1.5: it replaces the default roots, so it must hold them; a company's own are kept too."""
    folder = tmp_path / "tls"
    found = ensure_certificates(folder, HOSTS, NOW)
    assert found.bundle.read_bytes().count(b"BEGIN CERTIFICATE") > 50
    (tmp_path / "company.pem").write_bytes(b"company's roots\n")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "company.pem"))
    ensure_certificates(folder, HOSTS, NOW)
    assert found.bundle.read_bytes() == found.authority.read_bytes() + b"company's roots\n"
    # After eval "$(easymaker-local env)" the variable names the bundle itself: it must not grow from start to start.
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(found.bundle))
    ensure_certificates(folder, HOSTS, NOW)
    assert found.bundle.read_bytes().count(b"BEGIN") > 50


def test_the_bundle_is_not_made_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = ensure_bundle(tmp_path, HOSTS)
    monkeypatch.setattr(certificates, "ensure_certificates", lambda *_: pytest.fail("made again"))
    assert ensure_bundle(tmp_path, HOSTS) == first


def test_many_at_once_make_one_authority(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: ensure_certificates(tmp_path, HOSTS, NOW).authority.read_bytes(), range(8)))
    assert len(set(made)) == 1
