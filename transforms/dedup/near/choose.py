"""Which documents of a group of duplicates are kept: greedily, in the order of the keep policy."""

from dataclasses import dataclass

import numpy as np

from transforms.arrays import starts_run, to_offsets


@dataclass(frozen=True, kw_only=True, eq=False)
class Choice:
    """The keeper of each document.

    keepers       int64 (documents,), the document kept in its place; itself if it is kept
    similarities  float64 (documents,), to the keeper, 1.0 if it is kept
    """

    keepers: np.ndarray
    similarities: np.ndarray

    @property
    def kept(self) -> np.ndarray:
        """bool [documents]."""
        return self.keepers == np.arange(len(self.keepers))


def choose_keepers(
    order: np.ndarray, first: np.ndarray, second: np.ndarray, similarity: np.ndarray
) -> Choice:
    """Choose the documents to keep in a graph of similar documents, greedily.

    In keep order, a document is kept unless a kept document is similar to it. The keeper of a
    dropped document is the most similar kept one, the first in keep order on a tie. So every
    dropped document has a similar keeper, and no two kept documents are similar.

    Args:
        order: int64 (documents,), all documents in keep order.
        first, second: int64 (edges,), the similar pairs, each once.
        similarity: float64 (edges,).
    """
    count = len(order)
    ends = np.concatenate([first, second])
    neighbours = np.concatenate([second, first])
    by_end = np.argsort(ends, kind="stable")
    offsets = to_offsets(np.bincount(ends, minlength=count)).tolist()
    adjacent = neighbours[by_end].tolist()
    covered = bytearray(count)
    for document in order.tolist():
        if not covered[document]:
            # An earlier kept neighbour would have covered this document, so the neighbours marked
            # here come later in keep order, or are dropped already.
            for neighbour in adjacent[offsets[document] : offsets[document + 1]]:
                covered[neighbour] = 1
    kept = np.frombuffer(covered, np.uint8) == 0

    ranks = np.empty(count, np.int64)
    ranks[order] = np.arange(count)
    reasons = ~kept[ends] & kept[neighbours]
    ends, neighbours, similarity = _most_similar(
        ends[reasons], neighbours[reasons], np.tile(similarity, 2)[reasons], ranks
    )
    keepers = np.arange(count)
    similarities = np.ones(count, np.float64)
    keepers[ends] = neighbours
    similarities[ends] = similarity
    return Choice(keepers=keepers, similarities=similarities)


def follow_representatives(
    choice: Choice, representatives: np.ndarray, copies: np.ndarray
) -> Choice:
    """Gives exact copies the keeper of their representative.

    That is the representative itself where it is kept, with similarity 1.0, else the
    representative's keeper with its similarity.

    Args:
        choice: of all documents; that of copies is replaced.
        representatives, copies: int64 (copies,) each.
    """
    keepers, similarities = choice.keepers.copy(), choice.similarities.copy()
    keepers[copies] = choice.keepers[representatives]
    similarities[copies] = choice.similarities[representatives]
    return Choice(keepers=keepers, similarities=similarities)


def drop_all(
    choice: Choice, order: np.ndarray, first: np.ndarray, second: np.ndarray, similarity: np.ndarray
) -> Choice:
    """Drops the kept documents too, for the policy `drop-all`.

    The keeper of each is then its most similar neighbour, the first in keep order on a tie. The
    arguments are those of `choose_keepers`, with exact copies among the edges, similarity 1.0.
    """
    ranks = np.empty(len(order), np.int64)
    ranks[order] = np.arange(len(order))
    ends, neighbours = np.concatenate([first, second]), np.concatenate([second, first])
    kept = choice.kept[ends]
    ends, neighbours, similarity = _most_similar(
        ends[kept], neighbours[kept], np.tile(similarity, 2)[kept], ranks
    )
    keepers, similarities = choice.keepers.copy(), choice.similarities.copy()
    keepers[ends] = neighbours
    similarities[ends] = similarity
    return Choice(keepers=keepers, similarities=similarities)


def _most_similar(
    ends: np.ndarray, neighbours: np.ndarray, similarity: np.ndarray, ranks: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The edge of highest similarity of each end, to the neighbour of lowest rank on a tie."""
    best = np.lexsort((ranks[neighbours], -similarity, ends))
    ends, neighbours, similarity = ends[best], neighbours[best], similarity[best]
    # Sorted, the best edge of each end is the first of its run.
    first = starts_run(ends)
    return ends[first], neighbours[first], similarity[first]
