"""The embedded sample: an original corpus of web pages, books and news items with planted trouble, and what must become of each.

The text lies beside this file as data (`web/*.txt`, `books/*.txt`, `news.txt`, `python-topics.txt.zst`) and `lay_out` makes input
files of it.
The labels expect the quickstart's configuration: languages en de fr es ru zh ja ar at a threshold of about 0.5; `gopher` for
web; a length of at least 200 characters for news, whose text is the field `body`; Jaccard 0.8 on word 5-grams, keep = ["longest"].
"""

from pipeline.sample._books import lay_out_books
from pipeline.sample._labels import write_labels
from pipeline.sample._news import lay_out_news
from pipeline.sample._web import (
    CUT_OFF,
    PAGES,
    TOPICS,
    lay_out_cut_off,
    lay_out_pages,
    lay_out_topics,
)
from transforms.storage import join, make_folder, write_bytes

__all__ = ["lay_out"]


def lay_out(folder: str) -> None:
    """Writes the sample into `folder`: `web/*.warc.gz`, `books/*`, `news/*.jsonl.*` and `labels.jsonl`.

    Pure but for the writing: every call writes the same bytes, whatever the version of Python (`news/2024.jsonl.zst` for one version
    of zstd only; its text is always the same). The rows of `labels.jsonl` are described by `pipeline.sample._labels.Label`.
    """
    pages, page_labels = lay_out_pages()
    cut_off, cut_off_labels = lay_out_cut_off()
    books, book_labels = lay_out_books()
    news, news_labels = lay_out_news()
    files = {PAGES: pages, CUT_OFF: cut_off, TOPICS: lay_out_topics()}
    files |= {f"books/{name}": data for name, data in books.items()}
    files |= news
    files["labels.jsonl"] = write_labels(
        [*page_labels, *cut_off_labels, *book_labels, *news_labels]
    )
    for part in ("web", "books", "news"):
        make_folder(join(folder, part))
    for name, data in files.items():
        write_bytes(join(folder, name), data)
