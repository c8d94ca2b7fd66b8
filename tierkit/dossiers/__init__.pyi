from .make import (
    account_dossier as account_dossier,
    account_dossier_text as account_dossier_text,
    write_dossiers as write_dossiers,
)
