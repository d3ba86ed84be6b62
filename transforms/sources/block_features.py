"""What is measured of each block of a page, as one matrix: the input of the model that tells main text from the rest."""

import re
from functools import lru_cache

import numpy as np

from transforms.sources.page_blocks import HIDDEN_BIT, LINK_BIT, TAGS, WORDS, Blocks
from transforms.sources.page_tree import PageTree

_LEXICON: dict[str, str] = {
    "share": """share teilen weiterempfehlen tweet facebook twitter whatsapp linkedin pinterest xing telegram reddit email e-mail print drucken
        compartir imprimir partager imprimer compartilhar condividi stampa delen instagram youtube tiktok bluesky threads""",
    "account": """login log-in logout signin signup sign register registrieren anmelden einloggen account subscribe subscription newsletter
        abonnieren abonnez suscribirse inscription konto passwort password konto username""",
    "cookie": "cookie cookies consent datenschutz privacy gdpr impressum imprint terms agb nutzungsbedingungen disclaimer policy confidentialité",
    "rights": "© copyright rights reserved rechte vorbehalten droits réservés derechos reservados",
    "menu": """home startseite accueil inicio menu menü navigation search suche suchen recherche buscar contact kontakt about sitemap help
        hilfe support faq faqs careers jobs karriere back zurück next weiter previous skip nach oben top""",
    "more": """more mehr weiterlesen read lesen lire leer continue view see show mehr anzeigen details learn discover explore zobacz czytaj
        suite plus más ver mostrar""",
    "related": """related similar recommended recommendations popular trending latest ähnliche verwandte beliebt neueste meistgelesen
        aussi auch also también anche też 関連記事 相关 关连""",
    "comment": """comment comments kommentar kommentare kommentieren commentaires comentarios reply replies antworten répondre responder
        antwort discussion forum thread""",
    "cart": """cart basket warenkorb panier carrito checkout buy kaufen acheter comprar wishlist merkzettel add-to-cart quantity qty menge
        stock lager shipping versand livraison lieferung""",
    "author": "by von par por author autor autorin redaktion posted published updated veröffentlicht aktualisiert publié written",
    "month": """january february march april may june july august september october november december jan feb mar apr jun jul aug sep
        sept oct nov dec januar februar märz mai juni juli oktober dezember janvier février mars avril juin juillet août septembre octobre
        novembre décembre enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre am pm uhr ago""",
    "vote": "like likes gefällt upvote votes vote views view followers follow folgen points members member joined posts reactions solved quote",
    "sort": "sort filter filters sortieren filtern trier results ergebnisse résultats items per page showing clear all refine",
    "advert": "advertisement anzeige werbung sponsored publicidad publicité reklama annonse ad",
    "caption": "photo foto image bild credit getty reuters quelle source ap shutterstock istock pixabay unsplash dpa afp",
    "review": "review reviews rating ratings stars star bewertung bewertungen verified helpful avis",
    "offer": "free off save deal sale discount offer coupon now today limited get start try demo trial",
    "function": "the a of and to in is der die das und ist le la les et de des el los que un una il che van het en i w z na",
}
_LEXICON_BITS: dict[str, int] = {}
for _number, _words in enumerate(_LEXICON.values()):
    for _word in _words.split():
        _LEXICON_BITS[_word] = _LEXICON_BITS.get(_word, 0) | 1 << _number

_CLASSES = ("letter", "upper", "digit", "space", "stop", "comma", "mark", "currency", "wide")


def _character_table() -> np.ndarray:
    table = np.zeros((1 << 16, len(_CLASSES)), np.uint8)
    for code in range(1 << 16):
        character = chr(code)
        table[code, 0] = character.isalpha()
        table[code, 1] = character.isupper()
        table[code, 2] = character.isdigit()
    table[0x3040:0xD7A4, 8] = 1  # kana, ideographs, Hangul: words without spaces between
    for number, characters in ((3, " "), (4, ".!?…。！？؟।"), (5, ",，、،"), (6, ":;|/»›•·→-–—&©"), (7, "$€£¥₹₽₩")):
        for character in characters:
            table[ord(character), number] = 1
    return table


@lru_cache(1)
def _table() -> np.ndarray:
    return _character_table()


@lru_cache(1 << 15)
def _lexicon_bits(text: str) -> tuple[int, int]:
    """(groups of the lexicon that a text's words are of, how many of its words are in one) of a short text."""
    bits = known = 0
    for word in text.lower().replace(":", " ").replace(",", " ").replace("(", " ").replace(")", " ").split():
        found = _LEXICON_BITS.get(word.strip(".!?…"), 0)
        if found:
            bits |= found
            known += 1
    return bits, known


_SHORT = 200
_PRICE = re.compile(r"[$€£¥₹]\s?\d|\d\s?(?:€|EUR|USD|kr|zł)")


def _unpack(values, count: int) -> np.ndarray:
    array = np.array(values, np.uint64)
    return ((array[:, None] >> np.arange(count, dtype=np.uint64)) & np.uint64(1)).astype(np.float32)


def block_features(page: PageTree, blocks: Blocks) -> tuple[np.ndarray, list[str]]:
    """n blocks -> float32 (n, features) and the features' names."""
    columns: list[np.ndarray] = []
    names: list[str] = []

    def add(name: str, values) -> None:
        names.append(name)
        columns.append(np.asarray(values, np.float32))

    m = len(blocks.texts)
    texts = blocks.texts
    size = np.array(list(map(len, texts)), np.int64)
    first = np.array(blocks.first)
    holder = np.array(blocks.holder)
    # characters by class
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "replace"), np.uint32)
    codes = np.where(codes < (1 << 16), codes, 0x4E00)
    offsets = np.concatenate(([0], np.cumsum(size)[:-1]))
    classes = np.add.reduceat(_table()[codes], offsets, axis=0, dtype=np.int64).astype(np.float64)
    letters, upper, digits, spaces, stops, commas, marks, currency, wide = classes.T
    words = spaces + 1 + wide / 2
    total = max(1.0, float(size.sum()))
    # characters and links by node
    n = len(page.tags)
    per_node = np.zeros(n + 1)
    links = np.zeros(n + 1)
    nodes = blocks.nodes
    lengths = np.array([len(page.data[node]) for node in nodes], np.float64)
    node_index = np.array(nodes)
    per_node[node_index + 1] = lengths
    linked = (np.array([blocks.kinds[node] for node in nodes], np.uint64) & np.uint64(LINK_BIT)) != 0
    links[node_index + 1] = lengths * linked
    cumulated, cumulated_links = np.cumsum(per_node), np.cumsum(links)
    starts = np.array(blocks.starts)
    block_linked = np.add.reduceat(lengths * linked, starts[:-1]) if m else np.zeros(0)
    block_raw = np.add.reduceat(lengths, starts[:-1]) if m else np.zeros(0)
    link_share = block_linked / np.maximum(1, block_raw)
    ends = np.array(page.ends)
    block_start = np.zeros(n + 1)
    block_start[first + 1] = 1
    cumulated_blocks = np.cumsum(block_start)
    sentence_like = (stops >= 1) & (size >= 60) & (link_share < 0.5)
    prose = np.where(sentence_like, size, 0.0)
    per_prose = np.zeros(n + 1)
    per_prose[first + 1] = prose
    cumulated_prose = np.cumsum(per_prose)
    total_prose = max(1.0, float(prose.sum()))

    add("characters", size)
    add("words", words)
    add("word length", letters / np.maximum(1, words))
    add("upper", upper / np.maximum(1, letters))
    add("digits", digits / size)
    add("stops", stops)
    add("stops per word", stops / words)
    add("commas", commas)
    add("marks", marks / size)
    add("currency", currency)
    add("wide", wide / size)
    add("link share", link_share)
    add("text nodes", np.diff(starts))
    add("ends", [1.0 if text[-1] in ".!?…。！？:;\"”»)" else 0.0 for text in texts])
    add("begins lower", [1.0 if text[0].islower() else 0.0 for text in texts])
    add("prose", prose)
    lexicon = [_lexicon_bits(text) if length <= _SHORT else (0, 0) for text, length in zip(texts, size.tolist(), strict=True)]
    lexicon_bits = _unpack([bits for bits, _ in lexicon], len(_LEXICON))
    known = np.array([count for _, count in lexicon])
    for number, name in enumerate(_LEXICON):
        add(f"says {name}", lexicon_bits[:, number])
    add("known words", known / words)
    seen: dict[str, int] = {}
    for text in texts:
        seen[text] = seen.get(text, 0) + 1
    add("repeats", [seen[text] for text in texts])

    # position
    order = np.arange(m)
    add("position", order / max(1, m - 1))
    before = np.concatenate(([0], np.cumsum(size)[:-1]))
    add("characters before", before / total)
    prose_before = np.concatenate(([0], np.cumsum(prose)[:-1]))
    add("prose before", prose_before / total_prose)
    add("prose after", (total_prose - prose_before - prose) / total_prose)

    # elements around
    around, parents = np.array(blocks.around), np.array(page.parents)
    parents[0] = 0
    up = [holder]
    for _ in range(6):
        up.append(around[parents[up[-1]]])
    kinds = np.array([blocks.kinds[node] for node in blocks.first], np.uint64)
    named = np.array([blocks.names[node] for node in blocks.first], np.uint64)
    tag_bits = _unpack(kinds, len(TAGS) + 1)
    for number, tags in enumerate((*TAGS, ("hidden",))):
        add(f"in {tags[0]}", tag_bits[:, number])
    own_kinds = np.array([blocks.own_kinds.get(node, 0) for node in range(n)], np.uint64)
    own_names = np.array([blocks.own_names.get(node, 0) for node in range(n)], np.uint64)
    own_tags = _unpack(own_kinds[holder], len(TAGS) + 1)
    for number in [index for index, tags in enumerate(TAGS) if tags[0] in ("p", "li", "h1", "h2", "h3", "h4", "td", "pre", "dl", "blockquote")]:
        add(f"is {TAGS[number][0]}", own_tags[:, number])
    near = own_names[up[0]] | own_names[up[1]] | own_names[up[2]]
    near_bits, all_bits = _unpack(near, len(WORDS)), _unpack(named, len(WORDS))
    for number, name in enumerate(WORDS):
        add(f"near {name}", near_bits[:, number])
    for number, name in enumerate(WORDS):
        add(f"under {name}", all_bits[:, number])
    depth = np.zeros(n, np.int32)
    for node in range(1, n):
        depth[node] = depth[page.parents[node]] + 1
    add("depth", depth[holder])

    # what the elements around hold
    classes_seen: dict[tuple, int] = {}
    siblings_key = np.zeros(n, np.int64)
    for node, label in blocks.classes.items():
        if node:
            key = (page.parents[node], page.tags[node], label)
            siblings_key[node] = classes_seen.setdefault(key, len(classes_seen) + 1)
    sibling_counts = np.bincount(siblings_key)
    for level in range(1, 6):
        element = up[level]
        stop = ends[element]
        held = cumulated[stop] - cumulated[element]
        held_links = cumulated_links[stop] - cumulated_links[element]
        held_prose = cumulated_prose[stop] - cumulated_prose[element]
        held_blocks = cumulated_blocks[stop] - cumulated_blocks[element]
        add(f"held {level}", held)
        add(f"link share {level}", held_links / np.maximum(1, held))
        add(f"prose share {level}", held_prose / total_prose)
        add(f"prose density {level}", held_prose / np.maximum(1, held))
        add(f"blocks {level}", held_blocks)
        add(f"mean block {level}", held / np.maximum(1, held_blocks))
    for level in range(6):
        add(f"siblings {level}", np.where(up[level] > 0, sibling_counts[siblings_key[up[level]]], 0))

    # blocks of the same place: equal tags and classes of the three elements around
    places: dict[tuple, int] = {}
    tags_of, class_of = page.tags, blocks.classes
    place = np.array(
        [
            places.setdefault((tags_of[a], class_of.get(a), tags_of[b], class_of.get(b), tags_of[c]), len(places))
            for a, b, c in zip(up[0].tolist(), up[1].tolist(), up[2].tolist(), strict=True)
        ]
    )
    count = np.bincount(place).astype(float)
    for name, values in (("characters", size), ("links", block_linked), ("prose", prose), ("known", known / words)):
        sums = np.bincount(place, weights=values)
        add(f"place {name}", (sums / count)[place])
    add("place blocks", count[place])
    add("place share", (np.bincount(place, weights=size) / total)[place])
    firsts = np.full(len(count), m)
    np.minimum.at(firsts, place, order)
    lasts = np.zeros(len(count))
    np.maximum.at(lasts, place, order)
    add("place first", (firsts / max(1, m))[place])
    add("place last", (lasts / max(1, m))[place])

    # headings
    heading = own_tags[:, [i for i, tags in enumerate(TAGS) if tags[0] in ("h1", "h2", "h3", "h4")]].any(axis=1)
    h1 = own_tags[:, next(i for i, tags in enumerate(TAGS) if tags[0] == "h1")] > 0
    last_heading = np.maximum.accumulate(np.where(heading, order, -1))
    add("since heading", order - last_heading)
    heading_lexicon = np.where(last_heading[:, None] >= 0, lexicon_bits[np.maximum(last_heading, 0)], 0)
    for number, name in enumerate(_LEXICON):
        if name in ("related", "comment", "more", "share", "account", "review", "menu"):
            add(f"heading says {name}", heading_lexicon[:, number])
    next_is = np.concatenate((np.minimum.accumulate(np.where(heading, order, m)[::-1])[::-1][1:], [m]))
    add("to heading", next_is - order)
    first_h1 = int(np.argmax(h1)) if h1.any() else -1
    add("since h1", order - first_h1 if first_h1 >= 0 else np.full(m, -9999))
    add("is heading", heading)

    # neighbours
    def shifted(values: np.ndarray, by: int) -> np.ndarray:
        moved = np.full(m, -1.0)
        if by > 0:
            moved[by:] = values[:-by] if by < m else []
        elif -by < m:
            moved[:by] = values[-by:]
        return moved

    for by in (-2, -1, 1, 2):
        add(f"characters {by:+d}", shifted(size, by))
        add(f"link share {by:+d}", shifted(link_share, by))
        add(f"prose {by:+d}", shifted(prose, by))
        add(f"same holder's parent {by:+d}", shifted(up[1].astype(float), by) == up[1])
    window = np.ones(11)
    add("prose around", np.convolve(prose, window, "same")[:m] if m >= 11 else np.full(m, prose.mean() * 11 if m else 0))
    add("links around", np.convolve(block_linked, window, "same")[:m] if m >= 11 else np.full(m, block_linked.mean() * 11 if m else 0))

    # the page
    def everywhere(name: str, value: float) -> None:
        add(f"page {name}", np.full(m, value, np.float32))

    everywhere("blocks", m)
    everywhere("characters", total)
    everywhere("prose", total_prose)
    everywhere("prose share", total_prose / total)
    everywhere("link share", float(block_linked.sum()) / total)
    everywhere("mean prose", total_prose / max(1, int(sentence_like.sum())))
    everywhere("currency", float((currency > 0).sum()) / max(1, m))
    everywhere("largest place", float(count.max()) / max(1, m) if m else 0)
    for number, name in enumerate(_LEXICON):
        if name in ("cart", "comment", "vote", "month", "review", "sort", "author", "account"):
            everywhere(f"says {name}", float(lexicon_bits[:, number].mean()) if m else 0)
    weights = size / total
    for number, tags in enumerate(TAGS):
        if tags[0] in ("main", "article", "pre", "table", "li", "p", "dl", "nav", "footer", "header", "code", "time", "form"):
            everywhere(f"in {tags[0]}", float(tag_bits[:, number] @ weights))
    for number, name in enumerate(WORDS):
        if name in ("post", "reply", "answer", "product", "price", "item", "cart", "article", "comment", "code", "document", "review", "vote", "author", "list"):
            everywhere(f"under {name}", float(all_bits[:, number] @ weights))
    counts = {tag: page.tags.count(tag) for tag in ("article", "h1", "h2", "h3", "table", "pre", "img", "input", "time", "button")}
    for tag, number in counts.items():
        everywhere(f"{tag} elements", number)
    return np.stack(columns, axis=1), names
