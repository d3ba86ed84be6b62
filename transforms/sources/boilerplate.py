"""Line rules for the text of a web page: drop lines that are not part of the article.

The rules know words of English, German, French, Spanish, Portuguese, Italian, Dutch, Polish, the
Nordic languages, Russian, Japanese, Chinese and Korean. No rule is specific to a site.
docs/extraction.md shows the effect of each rule on the measured pages.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

_MAX_LINE = 300
_MAX_REQUEST, _MAX_LAST_REQUEST = 140, 250
_HEAD_LINES = 8
_LAST_LINES = 8
_LEAST_LEFT = 0.5

_ALSO = re.compile(
    r"""[\W_]*(?:
    (?:please\s)?(?:read|see|watch|check|view)\s(?:also|more|next|on)|also\s(?:read|see|on|check)
    |related(?:\s(?:articles?|stor(?:y|ies)|posts?|content|topics?|news|links?|reading))?"""
    r"""|recommended(?:\s(?:for\syou|reading))?
    |more\s(?:from|on|about|stories|news|like\sthis)|further\sreading|you\s(?:may"""
    r"""|might)\s(?:also\s)?(?:like|be\sinterested)
    |don['’]t\smiss|continue\sreading|keep\sreading|editor['’]?s['’]?\spicks?|most\s(?:read|popular)
    |latest\s(?:news|stories|posts|articles)|click\shere
    |(?:lesen|sehen|hören)\ssie\s(?:auch|hier|dazu|mehr)|mehr\s(?:zum\sthema|dazu|aus|lesen"""
    r"""|infos?|informationen|erfahren|von|zu)
    |lies\sauch|auch\s(?:interessant|lesenswert)|das\skönnte\s(?:sie|dich|euch|ihnen|dir)
    |weitere[rs]?\s(?:artikel|beiträge|themen|informationen|infos?|meldungen|nachrichten|links"""
    r"""|news|aktuelle)|weiterlesen
    |weiterführende[rs]?\s|zum\s(?:weiterlesen|artikel)|hier\s(?:weiterlesen|geht\s?(?:es|['’]s))"""
    r"""|(?:die\s)?meist\s?gelesen
    |viel\sgelesen|neueste\s(?:artikel|beiträge)|ähnliche\s(?:artikel|beiträge|themen)"""
    r"""|verwandte\s|schon\sgelesen|siehe\sauch
    |themen(?:\sim\sartikel)?:|passend\szum\sthema
    |[àa]\slire|lire\s(?:aussi|la\ssuite|également|plus)|voir\s(?:aussi|plus)|vous\saimerez"""
    r"""|sur\sle\smême\s(?:sujet|thème)
    |articles?\s(?:liés|similaires|connexes)|en\ssavoir\splus
    |le(?:a|er|e)\s(?:también|tambien|más|mas|además)\b|lea:|mira:|mire\s(?:también|además)"""
    r"""|puedes?\s(?:ver|leer)
    |(?:te|le|les)\spuede\sinteresar|vea\s(?:también|más)|ver\s(?:también|más)|notas?\srelacionadas?
    |temas\s(?:relacionados|de\sinterés)|noticias\srelacionadas|contexto\sde\sla\snoticia"""
    r"""|sigue\sleyendo
    |leia\s(?:também|mais)|veja\s(?:também|mais)|saiba\smais|leggi\s(?:anche|tutto)"""
    r"""|potrebbe\sinteressarti
    |lees\s(?:ook|meer)|bekijk\sook
    |(?:czytaj|zobacz|przeczytaj)\s(?:też|także|również|więcej)|l[æe]s\sogså|läs\s(?:också|mer"""
    r"""|även)|lue\smyös
    |читайте\s(?:также|ещё)|смотрите\sтакже|関連記事|相关阅读|延伸阅读|相关文章|관련기사
    )(.*)""",
    re.VERBOSE,
)
_ADVERTISEMENT = re.compile(
    r"[\W_]*(?:anzeigen?|advertisements?|advertorial|ad|werbung|sponsored(?: content| post)?"
    r"|publicidad|publicité|pubblicità|publicidade"
    r"|advertentie|reklam[aey]?|annonse?|mainos|реклама|広告|广告"
    r"|(?:article|story) continues (?:below|after)[^.]{0,40}"
    r"|continue reading below)(?:[\W_]*$|\s[-–—:]\s)"
)
_INTERFACE = frozenset(
    re.findall(
        r"\S+",
        """share teilen weiterempfehlen drucken print email e-mail mail tweet twitter facebook
        whatsapp linkedin pinterest xing telegram reddit copy link kopieren merken
        speichern save pocket flipboard messenger compartir imprimir enviar partager
        imprimer compartilhar condividi stampa delen udostępnij drukuj del vorlesen pdf
        herunterladen download x bluesky threads instagram youtube google+ pin
        kommentieren kommentar kommentare comment comments nach oben back zurück next
        previous weiter vorheriger nächster artikel post seite page menu menü home
        startseite login anmelden registrieren suche search gefällt mir like likes
        follow folgen senden feedback antworten reply diesen this article beitrag jetzt
        now vergrößern enlarge""",
    )
)
_FILLERS = frozenset(
    re.findall(
        r"\S+",
        "auf via per on in de par sur em a la le den die das der the to und and & | • · mit with",
    )
)
_MONTHS = (
    r"""
    jan(?:uar[iy]?|vier)?|feb(?:ruar[iy]?)?|février|m(?:ar(?:ch|zo|ço|s)?|ärz|aart)|apr(?:il)?"""
    r"""|abril|avril|ma[iyj]|mayo|maio|maggio
    |jun[ei]?|junio|junho|juin|jul[iy]?|julio|julho|juillet|aug(?:ust|ustus)?|agosto|août"""
    r"""|sep(?:t(?:ember|embre)?)?|septiembre|setembro
    |o[ck]t(?:ober|obre)?|octubre|outubro|nov(?:ember|embre|iembre|embro)?|de[cz](?:ember|embre"""
    r"""|embro)?|diciembre|décembre
    |stycznia|lutego|marca|kwietnia|maja|czerwca|lipca|sierpnia|września|października|listopada"""
    r"""|grudnia"""
)
_DATE = re.compile(
    rf"""\b\d{{1,2}}[./-]\s?\d{{1,2}}[./-]\s?(?:\d{{4}}|\d{{2}})\b|\b(?:19"""
    rf"""|20)\d\d[-/.]\d{{1,2}}[-/.]\d{{1,2}}\b
    |\b\d{{1,2}}(?:\.|st|nd|rd|th)?\s(?:de\s)?(?:{_MONTHS})\.?,?\s(?:de\s|del\s)?(?:19|20)\d\d\b
    |\b(?:{_MONTHS})\.?\s\d{{1,2}}(?:st|nd|rd|th)?,?\s(?:19|20)\d\d\b"""
    rf"""|\d{{4}}年\d{{1,2}}月\d{{1,2}}日|\b\d{{1,2}}:\d\d\s?(?:uhr|am|pm|h)\b""",
    re.VERBOSE,
)
_META = re.compile(
    r"""[\W_]*(?:(?:by|von|par|por|autor(?:in)?|author|posted|published|updated|last\supdated"""
    r"""|veröffentlicht|(?:letzte\s)?aktualisier(?:t|ung)
    |publié|mis\sà\sjour|publicado|actualizado|opublikowano|pubblicato|lesezeit|lesedauer"""
    r"""|reading\stime|filed\sunder|posted\sin|getaggt
    |verschlagwortet|dieser\s(?:eintrag|beitrag)\swurde|this\s(?:entry|post)\swas\s(?:posted"""
    r"""|tagged|published))\b
    |(?:stand|datum|date|redaktion|kategorien?|categor(?:y|ies)|tags?|schlag(?:wort|worte|wörter)"""
    r"""|stich(?:wort|worte|wörter)|themen|keywords
    |etiquetas|mots[-\s]clés)\s?:|\d+\s(?:min(?:ute[ns]?)?\.?)\s(?:read|lesezeit|lesedauer))""",
    re.VERBOSE,
)
_CREDIT = re.compile(
    r"""[\W_]*(?:(?:(?:titel)?(?:bild|foto)(?:quelle|nachweis|rechte|credits?|s)?"""
    r"""|photos?(?:graph)?(?:\s(?:by|credit|courtesy))?
    |images?(?:\s(?:by|credit|source|courtesy))?|credits?|crédits?(?:\sphoto)?|cr[eé]dito"""
    r"""|fotografía|quellen?|sources?|fuente|fonte
    |źródło|zdjęcie|fot\.|bron|imagen|immagine)\s?[:/©|]|photos?\sby\b|©|\(c\)\s)""",
    re.VERBOSE,
)
_CREDIT_AT_END = re.compile(
    r"(?:(?:foto|bild|photo|image|symbolbild|archivbild|fotos|credits?|quelle|crédit|imagen|picture)"
    r"\s?[:/©]|©\s?|\(c\)\s)[^.!?]{2,60}[)\]]?\.?$"
)
_CREDIT_MARKS = (
    "©",
    "(c)",
    "foto",
    "bild",
    "photo",
    "image",
    "credit",
    "crédit",
    "quelle",
    "picture",
    "imagen",
)
_RIGHTS = (
    *(
        "©",
        "copyright",
        "all rights reserved",
        "alle rechte vorbehalten",
        "tous droits réservés",
        "todos los derechos reservados",
    ),
    *("todos os direitos reservados", "tutti i diritti riservati", "wszelkie prawa zastrzeżone"),
)
_REQUESTS = (
    *(
        "newsletter",
        "subscribe",
        "subscription",
        "abonnier",
        "abonnez",
        "suscríb",
        "suscrib",
        "inscrivez",
        "iscriviti",
        "assine ",
    ),
    *(
        "push notification",
        "push-benachrichtigung",
        "cookie",
        "einloggen",
        "eingeloggt",
        "log in",
        "login",
        "sign up",
        "sign in",
    ),
    *(
        "registrier",
        "anmelden",
        "melde dich",
        "follow us",
        "follow me",
        "folge uns",
        "folgen sie uns",
        "folgt uns",
        "suivez-nous",
    ),
    *(
        "síguenos",
        "seguici",
        "siga-nos",
        "download the",
        "download our",
        "datenschutz",
        "privatsphäre",
        "impressum",
        "netiquette",
    ),
    *(
        "kommentar schreiben",
        "kommentar hinterlassen",
        "kommentar verfassen",
        "kommentar abgeben",
        "leave a comment",
        "leave a reply",
    ),
    *(
        "your email",
        "e-mail-adresse",
        "post comment",
        "jetzt teilen",
        "diese seite teilen",
        "share this",
        "artikel bewerten",
    ),
    *(
        "artikel teilen",
        "artikel gefallen",
        "affiliate",
        "unterstütze uns",
        "donate",
        "become a member",
        "become a patron",
    ),
)
_ENDS = tuple(".!?…:;,\"”“»«'’)]。！？।؟】」")
_BAR = re.compile("[|»›>·/]")
_BARS = re.compile(r"\s?[|»›>·]\s?|\s/\s")


class Words(NamedTuple):
    """The rule words that occur in a page: only these are searched for in each line."""

    requests: Sequence[str] = _REQUESTS
    rights: Sequence[str] = _RIGHTS
    credit: Sequence[str] = _CREDIT_MARKS


_ALL_WORDS = Words()


def line_rule(line: str, *, near_end: bool = False, known: Words = _ALL_WORDS) -> str | None:
    """The rule by which a stripped line is boilerplate, or None.

    `near_end` says that the line is one of the last 8. Rules: `advertisement`, `read-also`,
    `interface` (only button labels), `credit` (of a picture), `rights`, `breadcrumbs`, `request`
    (to subscribe, log in, share, accept). Lines of more than 300 characters are paragraphs and
    match no rule.
    """
    size = len(line)
    if size > _MAX_LINE:
        return None
    low = line.lower()
    if size <= 160:
        if _ADVERTISEMENT.match(low):
            return "advertisement"
        also = _ALSO.match(low)
        if also and _points_elsewhere(low, also[1].strip()):
            return "read-also"
        if size <= 60 and _is_interface(low):
            return "interface"
        if _CREDIT.match(low):
            return "credit"
        if size <= 120 and known.rights and any(mark in low for mark in known.rights):
            return "rights"
        if _is_breadcrumbs(line):
            return "breadcrumbs"
    if known.credit and any(mark in low for mark in known.credit) and _CREDIT_AT_END.search(low):
        return "credit"
    if (
        known.requests
        and size <= (_MAX_LAST_REQUEST if near_end else _MAX_REQUEST)
        and any(words in low for words in known.requests)
    ):
        return "request"
    return None


def _points_elsewhere(line: str, rest: str) -> bool:
    """Whether a line that starts like a pointer to another page is one.

    It is a heading, or words and a colon, and not a long sentence.
    """
    if line.endswith(".") and len(line) > 100:
        return False
    return not rest or len(line) <= 60 or rest[0] in ":.…»>-–(" or ":" in line[:45]


def _is_interface(line: str) -> bool:
    words = line.split()
    if len(words) > 8:
        return False
    named = False
    for word in words:
        word = word.strip(".,:;!?()[]…")
        if word in _INTERFACE:
            named = True
        elif not (word in _FILLERS or word.isdigit() or not word):
            return False
    return named


def _is_breadcrumbs(line: str) -> bool:
    if _BAR.search(line) is None or line.startswith("•") or line.endswith(_ENDS):
        return False
    parts = _BARS.split(line)
    return len(parts) >= 3 and max(map(len, parts)) <= 30 and sum(map(len, parts)) > 2 * len(parts)


def boilerplate_lines(lines: Sequence[str], *, exempt: Sequence[bool]) -> set[int]:
    """The numbers of a page's boilerplate lines, without the exempt ones.

    Lines are stripped and not empty. Besides `line_rule` this finds short lines with a date or a
    by-line among the first 8 and last 5 lines. Returns no lines for a text of fewer than 3 lines,
    and where less than half of the characters would be left.
    """
    if len(lines) < 3:
        return set()
    last = len(lines) - _LAST_LINES
    # Words are looked for only in lines that are short enough for a rule of theirs: paragraphs are most of a text.
    low = "\n".join(line for line in lines if len(line) <= _MAX_LINE).lower()
    short = "\n".join(
        line
        for number, line in enumerate(lines)
        if len(line) <= (_MAX_LAST_REQUEST if number >= last else _MAX_REQUEST)
    ).lower()
    known = Words(
        requests=[words for words in _REQUESTS if words in short],
        rights=[words for words in _RIGHTS if words in short],
        credit=[words for words in _CREDIT_MARKS if words in low],
    )
    numbers = {
        number
        for number, line in enumerate(lines)
        if not exempt[number] and line_rule(line, near_end=number >= last, known=known) is not None
    }
    for number, line in enumerate(lines[:_HEAD_LINES]):
        if len(line) > 100:
            break
        if _is_date_or_author(line.lower()):
            numbers.add(number)
    ends = range(max(0, len(lines) - 5), len(lines))
    numbers.update(
        number
        for number in ends
        if len(lines[number]) <= 120 and _META.match(lines[number].lower())
    )
    dropped = sum(len(lines[number]) for number in numbers)
    return numbers if dropped <= (1 - _LEAST_LEFT) * sum(map(len, lines)) else set()


def _is_date_or_author(line: str) -> bool:
    if len(line) <= 60 and _META.match(line):
        return True
    return len(line) <= 80 and bool(_DATE.search(line)) and len(_DATE.sub("", line)) <= 50
