"""Certificates, as gRPC takes them: new ones count from the next connection on."""

from __future__ import annotations

from typing import Any

import grpc

from mcts_service.service.tls import Certificates, WatchedCertificates

__all__ = ["server_credentials"]


def server_credentials(certificates: WatchedCertificates) -> grpc.ServerCredentials:
    """Credentials that follow the files.

    gRPC asks for the certificates at each handshake, in a thread of its own; connections that
    are open keep theirs.
    """

    def renewed() -> Any:  # None for nothing new, which the types of grpc leave out
        found = certificates.renewed()
        return None if found is None else _configuration(found)

    current = certificates.current
    return grpc.dynamic_ssl_server_credentials(
        _configuration(current),
        renewed,
        require_client_authentication=current.client_ca is not None,
    )


def _configuration(certificates: Certificates) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration(
        [(certificates.private_key, certificates.chain)],
        root_certificates=certificates.client_ca,
    )
