"""People who asked to be forgotten: an import does not bring them back unasked."""

from collections.abc import Iterable

from crisiscomms import personal
from stakeholders.models import ErasedAddress

NOT_TAKEN = "this person asked to be forgotten; an import does not bring them back"


def is_anybody() -> bool:
    return ErasedAddress.objects.exists()


def among(addresses: Iterable[str]) -> set[str]:
    """Those of these addresses that were erased."""
    digests = {personal.digest(address): address for address in addresses}
    found = ErasedAddress.objects.filter(digest__in=digests).values_list("digest", flat=True)
    return {digests[one] for one in found}
