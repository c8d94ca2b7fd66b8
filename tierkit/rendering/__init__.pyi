from .figures import (
    Picture as Picture,
    figure as figure,
)
from .formats import (
    Slide as Slide,
    draw_deck as draw_deck,
    find_browser as find_browser,
    print_page as print_page,
)
from .html import (
    NOBODY_WAITS as NOBODY_WAITS,
    Fragment as Fragment,
    Step as Step,
    in_notebook as in_notebook,
    joined as joined,
    on_one_line as on_one_line,
    printable as printable,
    progress_bar as progress_bar,
    section as section,
    tag as tag,
)
from .notebooks import (
    PageContext as PageContext,
    render_analyst as render_analyst,
    render_leadership as render_leadership,
)
from .page import (
    document as document,
    environment as environment,
    style_sheet as style_sheet,
    style_sheets as style_sheets,
)
from .tables import (
    html_table as html_table,
)
from .workbook import (
    write_workbook as write_workbook,
)
