from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crisiscomms import clock


@pytest.fixture
def real_time(db: None) -> Iterator[None]:
    """The clock of production: the tests' own moment is taken away."""
    token = clock._set.set(None)
    yield
    clock._set.reset(token)


def test_a_carried_clock_asks_the_database_once_and_goes_on(real_time: None) -> None:
    with CaptureQueriesContext(connection) as asked:
        tick = clock.carried_on(clock.now)
        moments = [tick() for _ in range(3)]

    assert len(asked) == 1
    assert moments == sorted(moments)
    assert timedelta(0) <= clock.now() - moments[-1] < timedelta(minutes=1)


def test_a_moment_that_was_set_stays_as_it_is() -> None:
    moment = datetime(2026, 3, 1, 12, tzinfo=UTC)

    with clock.at(moment):
        tick = clock.carried_on(clock.now)
        assert tick() == moment
    moments = iter([moment, moment + timedelta(hours=1)])
    own = clock.carried_on(lambda: next(moments))
    assert [own(), own()] == [moment, moment + timedelta(hours=1)]
