from .opening import (
    Explorer as Explorer,
    explore as explore,
)
