"""Certificates for tests: an authority, and what it signs."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, in files.

    Attributes:
      certificate, private_key: their paths.
    """

    certificate: Path
    private_key: Path

    @property
    def names(self) -> dict[str, str]:
        """The two, as the keys of [tls] name them."""
        return {"certificate": str(self.certificate), "private_key": str(self.private_key)}

    def replace(self, other: Pair) -> None:
        """Puts another pair into these files, the certificate first."""
        self.certificate.write_bytes(other.certificate.read_bytes())
        self.private_key.write_bytes(other.private_key.read_bytes())


class Authority:
    """Signs certificates, and writes them to a folder.

    Attributes:
      certificate: the path of its own.
    """

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        signed = (
            _builder(self._name, self._name, self._key.public_key(), days=30)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.certificate = folder / f"{name}.pem"
        self.certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str = "server", host: str = "localhost", days: float = 1) -> Pair:
        """A certificate for a host and for 127.0.0.1, valid for that long; below 0: no more."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.DNSName(host)]
        if host == "localhost":
            names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
        signed = (
            _builder(_name(name), self._name, key.public_key(), days)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        pair = Pair(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        pair.certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        pair.private_key.write_bytes(_pem(key, serialization.NoEncryption()))
        return pair


def encrypted(pair: Pair, password: bytes) -> bytes:
    """The key of a pair, for which one needs a password."""
    key = serialization.load_pem_private_key(pair.private_key.read_bytes(), None)
    return _pem(key, serialization.BestAvailableEncryption(password))


def _pem(key, encryption) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(subject, issuer, public_key, days) -> x509.CertificateBuilder:
    now = datetime.now(timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=10))
        .not_valid_after(now + timedelta(days=days))
    )
