import pytest


@pytest.fixture(autouse=True)
def _cheap_passwords(settings):
    """Nobody signs in here with a password; a million rounds for each persona would be most of the time."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
