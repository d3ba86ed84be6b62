"""Names in wikitext of any language: namespaces of files and categories, tags, language variants.

They are those of MediaWiki's own localisation. Names in the head of an export are added to them
(`wikipedia.py`).
"""

import re

_FILES = """
    file image datei bild fichier archivo imagen ficheiro arquivo imagem immagine bestand afbeelding
    plik grafika файл изображение зображення выява ファイル 画像 文件 图像 图片 檔案 圖像 圖片 파일
    그림 ملف صورة پرونده تصویر קובץ תמונה fil tiedosto kuva soubor obrázok súbor fájl kép fișier
    imagine датотека слика slika datoteka dosya resim ไฟล์ ภาพ चित्र ছবি চিত্র αρχείο εικόνα berkas
    gambar fitxer imatge fitxategi irudi pilt vaizdas attēls mynd delwedd íomhá dosiero lêer beeld
    पटम் படிமம் దస్త్రం ചിത്രം ფაილი սուրատիր պատկեր şəkil сүрөт сурет rasm
"""
_CATEGORIES = """
    category kategorie catégorie categoría categoria categorie kategoria категория категорія
    катэгорыя カテゴリ 分类 分類 분류 تصنيف رده קטגוריה kategori luokka kategória kategorija
    категорија หมวดหมู่ श्रेणी বিষয়শ্রেণী κατηγορία kategorio flokkur categori catagóir பகுப்பு
    వర్గం വർഗ്ഗം კატეგორია կատեգորիա kateqoriya санат категориялар
"""
DROPPED_LINKS = frozenset(
    (*_FILES.split(), *_CATEGORIES.split(), "tập tin", "hình", "thể loại", "fails", "turkum")
)
"""Lowercase namespaces to which a link shows no text: files and categories."""

INTERWIKI = re.compile(r"(?:[a-z]{2,3}(?:-[a-z-]+)?|simple):")
"""The start of a link to the same article in another language."""

RAW_TAGS = (
    *(
        "nowiki",
        "pre",
        "syntaxhighlight",
        "source",
        "math",
        "chem",
        "ce",
        "ref",
        "references",
        "gallery",
        "poem",
        "timeline",
        "score",
    ),
    *(
        "hiero",
        "templatestyles",
        "templatedata",
        "graph",
        "mapframe",
        "maplink",
        "inputbox",
        "categorytree",
        "imagemap",
        "section",
    ),
    *(
        "indicator",
        "charinsert",
        "phonos",
        "langconvert",
        "rss",
        "quiz",
        "dynamicpagelist",
        "imagemap",
        "chart",
        "talkpage",
        "thread",
    ),
    *("includeonly", "noinclude", "onlyinclude", "translate", "tvar"),
)
"""Extension tags, whose content is not wikitext, and tags of transclusion."""

HTML_TAGS = frozenset(
    """
    abbr b bdi bdo big blockquote br caption center cite code data dd del dfn div dl dt em font h1
    h2 h3 h4 h5 h6 hr i ins kbd li link mark meta ol p q rb rbc rp rt rtc ruby s samp small span
    strike strong sub sup table tbody td tfoot th thead time tr tt u ul var wbr includeonly
    noinclude onlyinclude translate references ref nowiki pre poem gallery section col colgroup img
    """.split()  # noqa: SIM905
)
"""HTML elements that MediaWiki supports; any other tag is text."""

_VARIANTS = (
    *(
        "zh",
        "zh-hans",
        "zh-hant",
        "zh-cn",
        "zh-tw",
        "zh-hk",
        "zh-sg",
        "zh-mo",
        "zh-my",
        "gan",
        "gan-hans",
        "gan-hant",
    ),
    *(
        "wuu",
        "wuu-hans",
        "wuu-hant",
        "sr",
        "sr-ec",
        "sr-cyrl",
        "sr-el",
        "sr-latn",
        "sh",
        "sh-latn",
        "sh-cyrl",
    ),
    *(
        "kk",
        "kk-cyrl",
        "kk-kz",
        "kk-latn",
        "kk-tr",
        "kk-arab",
        "kk-cn",
        "uz",
        "uz-latn",
        "uz-cyrl",
        "ku",
        "ku-latn",
        "ku-arab",
    ),
    *(
        "crh",
        "crh-latn",
        "crh-cyrl",
        "crh-ro",
        "tg",
        "tg-cyrl",
        "tg-latn",
        "iu",
        "ike-cans",
        "ike-latn",
        "shi",
        "shi-tfng",
        "shi-latn",
    ),
    *(
        "tly",
        "tly-latn",
        "tly-cyrl",
        "mni",
        "mni-mtei",
        "mni-beng",
        "zgh",
        "zgh-tfng",
        "zgh-latn",
        "ban",
        "ban-bali",
        "en-x-piglatin",
    ),
)
VARIANT_RANK = {code: rank for rank, code in enumerate(_VARIANTS)}
"""Language variant -> its rank: the language itself first, then MediaWiki's fallback order."""

SWITCHES = frozenset(
    """
    toc notoc forcetoc noeditsection nogallery index noindex newsectionlink nonewsectionlink
    hiddencat disambig notitleconvert notc nocontentconvert nocc staticredirect archivedtalk nottalk
    noglobal start end expectunusedcategory expectedunusedcategory
    """.split()  # noqa: SIM905
)
NO_SWITCHES = frozenset(
    """
    FILE LINE FUNC FUNCTION DATE TIME TIMESTAMP DIR CLASS METHOD NAMESPACE TRAIT COUNTER VERSION
    VA_ARGS END__ STDC__ DATA
    """.split()  # noqa: SIM905
)
"""Names between double underscores.

Lowercase names in SWITCHES are behaviour switches, uppercase ones in NO_SWITCHES belong to
programming languages.
"""
