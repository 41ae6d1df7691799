"""State in SQLite: the single writer, migrations, one repository per resource, the ledger, the event history.

Repositories are functions of an open connection; ``Store`` decides thread and transaction. No rules of a resource live here.
"""

from easymaker_local.store.database import Store

__all__ = ["Store"]
