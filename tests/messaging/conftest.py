import pytest

from crisiscomms.models import User
from tests import factories


@pytest.fixture
def sol(policies: None) -> User:
    """Security."""
    return factories.make_user("sol", roles=["security"])


@pytest.fixture
def lea(policies: None) -> User:
    """Legal."""
    return factories.make_user("lea", roles=["legal"])
