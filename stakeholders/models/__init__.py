from stakeholders.models.imports import ColumnMapping, ImportRow, ImportRun
from stakeholders.models.people import Account, Contact, Membership

__all__ = ["Account", "ColumnMapping", "Contact", "ImportRow", "ImportRun", "Membership"]
