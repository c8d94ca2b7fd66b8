from .lock import (
    files_lock as files_lock,
    project_lock as project_lock,
    work_lock as work_lock,
)
from .reading import (
    local_spellings as local_spellings,
    parse_json as parse_json,
    read_json as read_json,
)
from .refusals import (
    disk_errors_in_words as disk_errors_in_words,
    is_disk_full as is_disk_full,
    is_out_of_memory as is_out_of_memory,
    reserved_room as reserved_room,
    words_of_fault as words_of_fault,
)
from .versions import (
    Version as Version,
    change_file as change_file,
    changed_files as changed_files,
    content_of as content_of,
    last_written as last_written,
    undo_change as undo_change,
    versions_of as versions_of,
)
from .writing import (
    DRAFT as DRAFT,
    draft_of as draft_of,
    make_folder as make_folder,
    new_folder as new_folder,
    open_plain as open_plain,
    refuse_links as refuse_links,
    refuse_links_inside as refuse_links_inside,
    write_whole as write_whole,
)
