from .choice import (
    FIT_STEPS as FIT_STEPS,
    Known as Known,
    ModelChoice as ModelChoice,
    choose_model as choose_model,
)
from .own_models import (
    RANKS as RANKS,
    Fold as Fold,
    Predict as Predict,
    as_numbers as as_numbers,
    challenge_ranking as challenge_ranking,
    from_estimator as from_estimator,
    measured as measured,
    predictions_of as predictions_of,
)
from .ranking import (
    in_words as in_words,
)
from .shuffling import (
    shuffled_ranking as shuffled_ranking,
)
from .trial import (
    backtest as backtest,
    complete_dates as complete_dates,
    held_out_folds as held_out_folds,
    rolling_folds as rolling_folds,
)
