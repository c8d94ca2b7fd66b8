from .connection import (
    connect as connect,
)
from .difference import (
    Change as Change,
    Plan as Plan,
    Wanted as Wanted,
    changed_meanwhile as changed_meanwhile,
    find_difference as find_difference,
    shown as shown,
)
from .records import (
    CrmRecords as CrmRecords,
)
from .writing import (
    Journal as Journal,
    Outcome as Outcome,
    find_undo as find_undo,
    unfinished_journal as unfinished_journal,
    write_changes as write_changes,
)
