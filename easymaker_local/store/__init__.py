"""State in SQLite: the single writer, migrations, one repository per resource, the ledger, the event history.

Repositories are functions of an open connection; ``Store`` decides thread and transaction. No rules of a resource live here.
"""

import sys

# sqlite-utils imports NumPy, where there is one, to know its types when it sees them. None of ours are of it, and the daemon
# would start later and be larger; who searches hyperparameters loads it when that begins.
_has_numpy = "numpy" in sys.modules
if not _has_numpy:
    sys.modules["numpy"] = None  # type: ignore[assignment]

from easymaker_local.store.database import Store  # noqa: E402

if not _has_numpy:
    del sys.modules["numpy"]

__all__ = ["Store"]
