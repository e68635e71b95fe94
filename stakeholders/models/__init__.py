from stakeholders.models.erased import ErasedAddress
from stakeholders.models.imports import ColumnMapping, ImportChange, ImportRow, ImportRun
from stakeholders.models.people import Account, Contact, Membership

__all__ = [
    "Account",
    "ColumnMapping",
    "Contact",
    "ErasedAddress",
    "ImportChange",
    "ImportRow",
    "ImportRun",
    "Membership",
]
