from .chapters import (
    Chapter as Chapter,
    Entry as Entry,
)
from .rendered import (
    as_markdown as as_markdown,
    as_text as as_text,
)
from .topics import (
    CHAPTERS as CHAPTERS,
    chapter as chapter,
    find_topic as find_topic,
    list_topics as list_topics,
    topic_of as topic_of,
)
