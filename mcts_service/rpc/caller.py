"""Who makes a call."""

from __future__ import annotations

from urllib.parse import unquote

from mcts_service.rpc.raw_handlers import Context

__all__ = ["caller_of"]


def caller_of(context: Context) -> str:
    """The name by which a caller has its share of the server: where the call comes from.

    All that one machine sends is one caller's, whatever its connections: "ipv4:192.0.2.7",
    "ipv6:2001:db8::7", "unix:/run/planner.sock". What comes through a proxy is the proxy's.
    """
    kind, _, address = context.peer().partition(":")
    if kind == "ipv4":
        return f"ipv4:{address.rpartition(':')[0]}"
    if kind == "ipv6":
        host = unquote(address).rpartition(":")[0].strip("[]")
        # The same machine, whichever socket it came to.
        mapped = host.lower().removeprefix("::ffff:")
        return f"ipv4:{mapped}" if mapped.count(".") == 3 else f"ipv6:{host}"
    return f"{kind}:{address}"
