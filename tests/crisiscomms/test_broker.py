"""What Celery does when Redis goes away: a lost connection is waited out, nothing else ends a worker."""

import pytest

from crisiscomms.celery import app


@pytest.mark.parametrize("act", ["ack", "restore_unacked"])
def test_giving_a_bell_back_on_a_closed_connection_is_a_lost_connection(act):
    with app.connection_for_write() as connection:
        held = connection.default_channel.qos
        held.channel._pool = None
        connection.transport.client = None

        with pytest.raises(connection.connection_errors):
            held.ack("a bell") if act == "ack" else held.restore_unacked()

        connection.transport.client = connection
