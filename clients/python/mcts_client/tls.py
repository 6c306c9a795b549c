"""TLS as a client is told of it: `Tls`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import grpc

from mcts_client.errors import InvalidRequest

__all__ = ["Tls"]

#: Certificates or a key in PEM: the contents as bytes, or the path of their file.
Pem = bytes | str | os.PathLike[str]


@dataclass(frozen=True)
class Tls:
    """TLS with more than the defaults: whom the client trusts, and how it shows who it is.

    Attributes:
      root_certificates: of the authorities that may have signed the server's certificate; None:
        those that gRPC comes with.
      certificate: the client's own, for a server that asks for one.
      private_key: its key.
    """

    root_certificates: Pem | None = None
    certificate: Pem | None = None
    private_key: Pem | None = None

    def credentials(self) -> grpc.ChannelCredentials:
        """The same as gRPC takes it.

        Raises:
          InvalidRequest: a file cannot be read, or a certificate has no key.
        """
        if (self.certificate is None) != (self.private_key is None):
            raise InvalidRequest.of_field(
                "tls", "has one of certificate and private_key; must have both, or neither"
            )
        return grpc.ssl_channel_credentials(
            root_certificates=_contents("tls.root_certificates", self.root_certificates),
            private_key=_contents("tls.private_key", self.private_key),
            certificate_chain=_contents("tls.certificate", self.certificate),
        )


def _contents(field: str, pem: Pem | None) -> bytes | None:
    if pem is None or isinstance(pem, bytes):
        return pem
    try:
        return Path(pem).read_bytes()
    except (OSError, TypeError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no path"
        raise InvalidRequest.of_field(field, f"{pem!r} cannot be read: {reason}") from error
