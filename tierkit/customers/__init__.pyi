from .contracts import (
    day_number as day_number,
    day_numbers as day_numbers,
)
from .due import (
    HORIZON as HORIZON,
    QUARTER as QUARTER,
)
from .expected import (
    drawn_amounts as drawn_amounts,
    ranged as ranged,
)
from .growth import (
    first_won as first_won,
    growth_rows as growth_rows,
)
from .kept import (
    retention_by_tier as retention_by_tier,
)
from .outlook import (
    Outlook as Outlook,
    renewal_outlook as renewal_outlook,
)
from .products import (
    RULES as RULES,
    NextProducts as NextProducts,
    Purchases as Purchases,
    next_products as next_products,
)
from .promises import (
    promises_kept as promises_kept,
)
from .risk import (
    accounts_at_risk as accounts_at_risk,
    list_precision as list_precision,
)
from .trial import (
    BY_REGRESSION as BY_REGRESSION,
    calibration as calibration,
    concordance_of as concordance_of,
)
from .value import (
    account_value as account_value,
    value_parts as value_parts,
)
