"""Which documents of a group of duplicates stay: greedily, in the order of the keep policy."""

from dataclasses import dataclass

import numpy as np

from transforms.arrays import starts_run, to_offsets


@dataclass(frozen=True, kw_only=True, eq=False)
class Choice:
    """`keepers` int64 [documents]: the document because of which this one goes, itself if it stays; `similarities` float64
    [documents]: to that keeper, 1.0 if it stays."""

    keepers: np.ndarray
    similarities: np.ndarray

    @property
    def kept(self) -> np.ndarray:
        """bool [documents]."""
        return self.keepers == np.arange(len(self.keepers))


def choose_keepers(order: np.ndarray, first: np.ndarray, second: np.ndarray, similarity: np.ndarray) -> Choice:
    """Greedy choice in a graph of similar documents.

    `order` int64 [documents] lists all documents, the most wanted first; (first, second) int64 [edges] are the similar
    pairs, each once, with their `similarity` float64 [edges]. In that order a document stays unless one that stays is
    similar to it. A document that goes names the most similar that stays, the most wanted of them on a tie. So nobody goes
    without a similar document that stays, and no two that stay are similar.
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
            # Whoever came before and stays would have covered this one: all that are marked here come after it, or went.
            for neighbour in adjacent[offsets[document] : offsets[document + 1]]:
                covered[neighbour] = 1
    kept = np.frombuffer(covered, np.uint8) == 0

    ranks = np.empty(count, np.int64)
    ranks[order] = np.arange(count)
    reasons = ~kept[ends] & kept[neighbours]
    ends, neighbours, similarity = _most_similar(ends[reasons], neighbours[reasons], np.tile(similarity, 2)[reasons], ranks)
    keepers = np.arange(count)
    similarities = np.ones(count, np.float64)
    keepers[ends] = neighbours
    similarities[ends] = similarity
    return Choice(keepers=keepers, similarities=similarities)


def follow_representatives(choice: Choice, representatives: np.ndarray, copies: np.ndarray) -> Choice:
    """Lets each exact copy (int64 [copies]) name whoever its representative names: the representative where that stays,
    with similarity 1.0, else the representative's keeper and its similarity."""
    keepers, similarities = choice.keepers.copy(), choice.similarities.copy()
    keepers[copies] = choice.keepers[representatives]
    similarities[copies] = choice.similarities[representatives]
    return Choice(keepers=keepers, similarities=similarities)


def drop_all(choice: Choice, order: np.ndarray, first: np.ndarray, second: np.ndarray, similarity: np.ndarray) -> Choice:
    """Lets those go, too, that stay because of others: each names the most similar of its neighbours, the most wanted on a tie.

    The arguments are those of `choose_keepers`, exact copies among the edges with similarity 1.0.
    """
    ranks = np.empty(len(order), np.int64)
    ranks[order] = np.arange(len(order))
    ends, neighbours = np.concatenate([first, second]), np.concatenate([second, first])
    stays = choice.kept[ends]
    ends, neighbours, similarity = _most_similar(ends[stays], neighbours[stays], np.tile(similarity, 2)[stays], ranks)
    keepers, similarities = choice.keepers.copy(), choice.similarities.copy()
    keepers[ends] = neighbours
    similarities[ends] = similarity
    return Choice(keepers=keepers, similarities=similarities)


def _most_similar(
    ends: np.ndarray, neighbours: np.ndarray, similarity: np.ndarray, ranks: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each end its edge of the highest similarity, to the neighbour of the lowest rank on a tie."""
    best = np.lexsort((ranks[neighbours], -similarity, ends))
    ends, neighbours, similarity = ends[best], neighbours[best], similarity[best]
    foremost = starts_run(ends)
    return ends[foremost], neighbours[foremost], similarity[foremost]
