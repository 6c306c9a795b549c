"""Who a caller is that has no token: the machine that the call comes from."""

import pytest

from mcts_service.service.call_record import address_of


@pytest.mark.parametrize(
    ("peer", "caller"),
    [
        ("ipv4:192.0.2.7:51234", "192.0.2.7"),
        ("ipv6:[2001:db8::7]:51234", "2001:db8::7"),
        ("ipv6:%5B2001:db8::7%5D:51234", "2001:db8::7"),
        ("ipv6:%5Bfe80::1%25eth0%5D:51234", "fe80::1%eth0"),
        ("ipv6:%5B::ffff:192.0.2.7%5D:51234", "192.0.2.7"),
        ("unix:/run/planner.sock", "unix"),
        ("unix:", "unix"),
        ("unknown", "unknown"),
    ],
)
def test_a_caller_is_the_machine_that_a_call_comes_from(peer, caller):
    assert address_of(peer) == caller
