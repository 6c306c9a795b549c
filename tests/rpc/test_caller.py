import pytest

from mcts_service.rpc.caller import caller_of


class Context:
    """Of a call that comes from `peer`, as gRPC writes it."""

    def __init__(self, peer):
        self._peer = peer

    def peer(self):
        return self._peer


@pytest.mark.parametrize(
    ("peer", "caller"),
    [
        ("ipv4:192.0.2.7:51234", "ipv4:192.0.2.7"),
        ("ipv6:[2001:db8::7]:51234", "ipv6:2001:db8::7"),
        ("ipv6:%5B2001:db8::7%5D:51234", "ipv6:2001:db8::7"),
        ("ipv6:%5Bfe80::1%25eth0%5D:51234", "ipv6:fe80::1%eth0"),
        ("ipv6:%5B::ffff:192.0.2.7%5D:51234", "ipv4:192.0.2.7"),
        ("unix:/run/planner.sock", "unix:/run/planner.sock"),
        ("unix:", "unix:"),
        ("unknown", "unknown:"),
    ],
)
def test_a_caller_is_the_machine_that_a_call_comes_from(peer, caller):
    assert caller_of(Context(peer)) == caller
