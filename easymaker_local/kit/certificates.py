"""A certificate authority of this machine's own, one certificate under it, and a bundle for clients.

The authority can sign for names of this machine and private addresses only (name constraints): where a user has it trusted
system-wide, its stolen key is of no use against any other host.
"""

from __future__ import annotations

import datetime
import fcntl
import ipaddress
import os
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import certifi

from easymaker_local.kit.files import write_atomically

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.hashes import SHA256

DAY = datetime.timedelta(days=1)
AUTHORITY_DAYS, LEAF_DAYS = 3650, 397  # browsers refuse certificates that live longer
RENEW_DAYS = 60
_END = b"-----END CERTIFICATE-----"
_PERMITTED_NAMES = ("localhost", "internal")
_PERMITTED_NETWORKS = (
    "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7",
)  # fmt: skip


@dataclass(frozen=True)
class Certificates:
    """Files of one folder: ``leaf`` is the chain that a server shows, ``bundle`` is for clients, with the public roots."""

    folder: Path

    @property
    def authority(self) -> Path:
        return self.folder / "ca.pem"

    @property
    def authority_key(self) -> Path:
        return self.folder / "ca.key"

    @property
    def leaf(self) -> Path:
        return self.folder / "leaf.pem"

    @property
    def leaf_key(self) -> Path:
        return self.folder / "leaf.key"

    @property
    def pinned(self) -> Path:
        """The server's certificate alone.

        What clients built on BoringSSL trust, as gRPC's are: they cannot read the authority's constraints on addresses.
        """
        return self.folder / "server.pem"

    @property
    def bundle(self) -> Path:
        return self.folder / "bundle.pem"


def ensure_bundle(folder: Path, hosts: Sequence[str]) -> Path:
    """Return the bundle for clients, made if it is not there; cheap if it is."""
    found = Certificates(folder)
    return found.bundle if found.bundle.exists() else ensure_certificates(folder, hosts).bundle


def ensure_certificates(folder: Path, hosts: Sequence[str], now: datetime.datetime | None = None) -> Certificates:
    """Make what is missing and renew what ends within ``RENEW_DAYS``; ``hosts`` are names and addresses to be certified.

    Raises OSError. Several processes may call it at once.
    """
    now = now or datetime.datetime.now(datetime.UTC)
    found = Certificates(folder)
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    with _locked(folder / "lock"):
        # An authority must outlive every certificate that it will sign until it is renewed itself.
        if not _is_good(found.authority, found.authority_key, now, AUTHORITY_DAYS // 5, ()):
            _make_authority(found, now)
            found.leaf.unlink(missing_ok=True)
        if not _is_good(found.leaf, found.leaf_key, now, RENEW_DAYS, hosts):
            _make_leaf(found, hosts, now)
        chain = found.leaf.read_bytes()
        alone = chain[: chain.index(_END) + len(_END)] + b"\n"
        if not found.pinned.exists() or found.pinned.read_bytes() != alone:
            write_atomically(found.pinned, alone)
        bundle = found.authority.read_bytes() + public_roots(os.environ, found.bundle)
        if not found.bundle.exists() or found.bundle.read_bytes() != bundle:
            write_atomically(found.bundle, bundle)
    return found


def public_roots(environment: Mapping[str, str], own: Path) -> bytes:
    """Return the roots that this user's clients trust now, since our bundle replaces them (rest-api §1.5)."""
    named = [environment.get(name) for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")]
    for file in (*named, ssl.get_default_verify_paths().openssl_cafile, certifi.where()):
        # One of ours, also another appliance's, has only what its own user trusted.
        if file and Path(file).is_file() and Path(file).name != own.name:
            return Path(file).read_bytes()
    return b""


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _is_good(file: Path, key: Path, now: datetime.datetime, days: int, hosts: Sequence[str]) -> bool:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        certificate = x509.load_pem_x509_certificate(file.read_bytes())
        public = load_pem_private_key(key.read_bytes(), None).public_key()
    except (FileNotFoundError, ValueError):
        return False
    if hosts:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        if set(names) != set(_general_names(hosts)):
            return False
    fits = certificate.public_key() == public
    return fits and certificate.not_valid_before_utc <= now and certificate.not_valid_after_utc > now + days * DAY


def _make_authority(found: Certificates, now: datetime.datetime) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"easymaker-local {now:%Y-%m-%d}")
    permitted = [*map(x509.DNSName, _PERMITTED_NAMES)]
    networks = [x509.IPAddress(ipaddress.ip_network(network)) for network in _PERMITTED_NETWORKS]
    builder = (
        _builder(name, name, key, now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.NameConstraints([*permitted, *networks], None), critical=True)
    )
    _write(found.authority, found.authority_key, key, [builder.sign(key, _sha256())])


def _make_leaf(found: Certificates, hosts: Sequence[str], now: datetime.datetime) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    authority = x509.load_pem_x509_certificate(found.authority.read_bytes())
    authority_key = load_pem_private_key(found.authority_key.read_bytes(), None)
    assert isinstance(authority_key, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    identifier = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        _builder(_name("localhost"), authority.subject, key, now, LEAF_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(_general_names(hosts)), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
    )
    _write(found.leaf, found.leaf_key, key, [builder.sign(authority_key, _sha256()), authority])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: EllipticCurvePrivateKey, now: datetime.datetime, days: int
) -> x509.CertificateBuilder:
    from cryptography import x509

    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)  # clocks differ
        .not_valid_after(now + days * DAY)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=not signs, key_cert_sign=signs, crl_sign=signs, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _general_names(hosts: Sequence[str]) -> list[x509.GeneralName]:
    from cryptography import x509

    names: list[x509.GeneralName] = []
    for host in hosts:
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(host)))
        except ValueError:
            names.append(x509.DNSName(host))
    return names


def _name(text: str) -> x509.Name:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _sha256() -> SHA256:
    from cryptography.hazmat.primitives.hashes import SHA256

    return SHA256()


def _write(file: Path, key_file: Path, key: EllipticCurvePrivateKey, chain: Sequence[x509.Certificate]) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_atomically(key_file, pem, mode=0o600)
    write_atomically(file, b"".join(certificate.public_bytes(Encoding.PEM) for certificate in chain))
