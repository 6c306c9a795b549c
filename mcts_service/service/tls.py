"""The certificate of a server: read from its files, and again whenever they change."""

from __future__ import annotations

import logging
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mcts_service.checks import require_bool, require_text, shown
from mcts_service.errors import InvalidRequest
from mcts_service.service.file_watch import FileWatch

__all__ = ["Certificates", "TlsSettings", "WatchedCertificates", "read_certificates"]

logger = logging.getLogger("mcts_service")


@dataclass(frozen=True)
class TlsSettings:
    """Table [tls]; without a certificate, connections are not encrypted.

    In a file, paths are relative to the folder of that file.

    Attributes:
      certificate: path of the server's certificate in PEM, followed by those between it and
        the authority.
      private_key: path of its key in PEM, not encrypted.
      client_ca: path of the certificates in PEM whose clients are let in.
      require_client_certificate: turn away clients that have none of these: mutual TLS.
    """

    certificate: str | None = field(default=None, metadata={"is_path": True})
    private_key: str | None = field(default=None, metadata={"is_path": True})
    client_ca: str | None = field(default=None, metadata={"is_path": True})
    require_client_certificate: bool = False

    def __post_init__(self) -> None:
        for name in ("certificate", "private_key", "client_ca"):
            if getattr(self, name) is not None:
                require_text(name, getattr(self, name))
        require_bool("require_client_certificate", self.require_client_certificate)
        if self.certificate is not None and self.private_key is None:
            raise InvalidRequest("private_key", "is missing; a certificate needs its key")
        if self.private_key is not None and self.certificate is None:
            raise InvalidRequest("certificate", "is missing; a key needs its certificate")
        if self.client_ca is not None and not self.require_client_certificate:
            raise InvalidRequest(
                "client_ca", "is of no effect without require_client_certificate = true"
            )
        if self.require_client_certificate and self.client_ca is None:
            raise InvalidRequest(
                "client_ca", "is missing; require_client_certificate needs it to know clients by"
            )
        if self.require_client_certificate and self.certificate is None:
            raise InvalidRequest("certificate", "is missing; there is no mutual TLS without it")

    @property
    def is_on(self) -> bool:
        """True if connections are encrypted."""
        return self.certificate is not None


@dataclass(frozen=True)
class Certificates:
    """The contents of the files, in PEM.

    Attributes:
      chain: the server's certificate and those above it.
      private_key: its key.
      client_ca: whose clients are let in; None: all.
    """

    chain: bytes
    private_key: bytes = field(repr=False)
    client_ca: bytes | None = None


def read_certificates(settings: TlsSettings) -> Certificates:
    """The files' contents, once it is certain that they go together.

    Raises:
      InvalidRequest: one cannot be read, is not what it must be, or is of another pair; the
        field is the key in [tls].
    """
    certificate, private_key = settings.certificate, settings.private_key
    assert certificate is not None
    assert private_key is not None
    read = Certificates(
        chain=_read("certificate", certificate),
        private_key=_read("private_key", private_key),
        client_ca=None if settings.client_ca is None else _read("client_ca", settings.client_ca),
    )
    _require_pair(certificate, private_key)
    if settings.client_ca is not None:
        _require_authorities(settings.client_ca)
    return read


class WatchedCertificates:
    """Reads the certificates anew when their files have changed. Safe to share by threads."""

    def __init__(self, settings: TlsSettings, interval_seconds: float = 1.0) -> None:
        """Reads them.

        Raises:
          InvalidRequest: as `read_certificates`.
        """
        self._settings = settings
        paths = (settings.certificate, settings.private_key, settings.client_ca)
        self._watch = FileWatch([path for path in paths if path is not None], interval_seconds)
        self._lock = threading.Lock()
        self._current = read_certificates(settings)

    @property
    def current(self) -> Certificates:
        """What was read last and is in order."""
        return self._current

    def renewed(self) -> Certificates | None:
        """The certificates if there are new ones since the last call; what is broken is not new.

        A certificate and its key are two files: between the writing of one and the other they
        do not go together. The old pair serves until they do.
        """
        with self._lock:
            if not self._watch.changed():
                return None
            try:
                self._current = read_certificates(self._settings)
            except InvalidRequest as error:
                logger.error("the certificates stay as they are: tls.%s", error)
                return None
        logger.info("the certificates were read anew")
        return self._current


def _read(key: str, path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no path"
        raise InvalidRequest(key, f"{shown(path)} cannot be read: {reason}") from error


def _require_pair(certificate: str, private_key: str) -> None:
    """Raises InvalidRequest unless the certificate and the key can serve."""
    _load("certificate", certificate, "no certificate in PEM", _context().load_verify_locations)
    context = _context()

    def load(path: str) -> None:
        context.load_cert_chain(certificate, path, password=_no_password)

    try:
        load(private_key)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise InvalidRequest(
                "private_key", f"{shown(private_key)} is not the key of {shown(certificate)}"
            ) from error
        raise InvalidRequest(
            "private_key", f"{shown(private_key)} has no private key in PEM that is not encrypted"
        ) from error


def _require_authorities(path: str) -> None:
    context = _context()
    _load("client_ca", path, "no certificate in PEM", context.load_verify_locations)


def _load(key: str, path: str, lacking: str, load: Callable[[str], None]) -> None:
    try:
        load(path)
    except ssl.SSLError as error:
        raise InvalidRequest(key, f"{shown(path)} has {lacking}") from error


def _context() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)


def _no_password() -> str:
    # OpenSSL would ask for it at the terminal, where nobody sits.
    return ""
