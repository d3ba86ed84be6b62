"""Work files of the search for near-duplicates, in a folder that is removed when the stage ends."""

from transforms import storage

_FOLDER = "work"


def work_folder(out: str) -> str:
    return storage.join(out, _FOLDER)


def cluster_range_path(out: str, number: int) -> str:
    """The rows of `clusters.parquet` of one hash range of components."""
    return storage.join(out, _FOLDER, f"clusters-{number:05d}.parquet")


def index_path(out: str, part: int) -> str:
    """The candidates of a part, `index_schema`."""
    return storage.join(out, _FOLDER, f"index-{part:05d}.arrow")


def sets_path(out: str, part: int) -> str:
    """The sets of a part's candidates, `SET_SCHEMA`."""
    return storage.join(out, _FOLDER, f"sets-{part:05d}.arrow")
