"""Real books with kind `text`: where they begin and end, and which line breaks remain."""

import re
from pathlib import Path

import pytest

from transforms.sources.records import RawDocument
from transforms.sources.registry import read_records

pytestmark = pytest.mark.real_data

# file: (first characters, last characters, non-empty lines, share of lines ending mid-sentence)
BOOKS = {
    "Anon_Clara_1864": (
        "CLARA VAUGHAN\nBOOK I.\nCHAPTER I.\nI do not mean",
        "Only don't  pull me to pieces.\"\nTHE END.",
        2996,
        0.02,
    ),
    "Blackmore_Lorna_1869": (
        "LORNA DOONE, \n\nA ROMANCE OF EXMOOR",
        "by the two words 'Lorna Doone.'",
        3607,
        0.01,
    ),
    "Cbronte_Jane_1847": (
        "Jane Eyre\nby Charlotte Bronte\nPREFACE\nA preface",
        "even so come, Lord Jesus!'\"",
        4082,
        0.01,
    ),
    "Conrad_Rover_1923": (
        "After entering at break of day the inner",
        "lie down to sleep under its shade.",
        1319,
        0.001,
    ),
    "Doyle_Lost_1912": (
        "The Lost World\n\n CHAPTER I\n\n",
        "a brown hand was stretched out to me across the table.",
        1233,
        0.005,
    ),
    "Forster_Angels_1905": (
        "WHERE ANGELS FEAR TO TREAD\n\nE. M. Forster\n\n\nChapter 1\n\nThey",
        "get into Harriet's eyes.",
        1327,
        0.005,
    ),
    "Gaskell_Wives_1865": (
        "WIVES AND DAUGHTERS.\n\nAN EVERY-DAY STORY.",
        'my dear Cynthia and my new shawl!"',
        4515,
        0.01,
    ),
    "Hardy_Madding_1874": (
        "FAR FROM THE MADDING CROWD\nby Thomas Hardy, 1874\n",
        'I feel my thanks accordingly."\nTHE END',
        3452,
        0.04,
    ),
    "Lawrence_Peacock_1911": (
        "THE WHITE PEACOCK\n\n\n D. H. LAWRENCE\n\n\n PART I",
        "like a condemned man.\n\n\n THE END",
        4310,
        0.005,
    ),
    "Lytton_What_1858": (
        'WHAT WILL HE DO WITH IT\n\n\nBy "Pisistratus Caxton"',
        "Be it evermore! Amen.",
        4600,
        0.015,
    ),
    "Trollope_Angel_1881": (
        "AYALA'S ANGEL\nby\nANTHONY TROLLOPE,\n\nVOL. I.\nCHAPTER I.\n\nTHE TWO",
        "handed over to her\n   ANGEL OF LIGHT.",
        5058,
        0.005,
    ),
    "Wcollins_Woman_1860": (
        "The Woman in White\n\n\nby\n\nWilkie Collins\nTHE STORY",
        "let Marian end our Story.",
        4184,
        0.01,
    ),
    "gutenberg-24675-ontboezemingen-latin1-dutch": (
        "ELK DEEL IS AFZONDERLIJK VERKRIJGBAAR\n",
        "dashes from the printed book.",
        1663,
        0.03,
    ),
    "gutenberg-972-devils-dictionary": (
        "THE DEVIL'S DICTIONARY\n\nby Ambrose Bierce\n",
        "sheds its horn every two years.",
        3914,
        0.005,
    ),
}
WRAPPED = {
    "Conrad",
    "Doyle",
    "Forster",
    "Hardy",
    "Lawrence",
    "Lytton",
    "Trollope",
    "gutenberg-24675",
    "gutenberg-972",
}


def read(path: Path, *, kind: str = "text", **options: object) -> RawDocument:
    [document] = read_records(str(path), kind=kind, options=options)
    assert isinstance(document, RawDocument)
    return document


@pytest.mark.parametrize("name", BOOKS)
def test_a_book_is_all_there_and_its_sentences_are_whole(data_folder: Path, name: str) -> None:
    first, last, lines_expected, share = BOOKS[name]
    text = read(data_folder / "books" / f"{name}.txt.gz").text
    assert text.startswith(first)
    assert text.endswith(last)
    assert not re.search(
        r"Project Gutenberg(-tm| License| eBook)|\*\*\* ?START|pgdp\.net", text, re.IGNORECASE
    )
    lines = [line for line in text.split("\n") if line.strip()]
    assert abs(len(lines) - lines_expected) <= 0.02 * lines_expected
    prose = (line for line in lines if len(line) > 40 and line[:2] != "  " and not line.isupper())
    broken = [line for line in prose if re.search(r"[^\W_]$|,$", line)]
    assert len(broken) <= share * len(lines)


@pytest.mark.parametrize("name", BOOKS)
def test_only_wrapped_books_change(data_folder: Path, name: str) -> None:
    path = data_folder / "books" / f"{name}.txt.gz"
    whole, as_it_lies = read(path).text, read(path, reflow=False).text
    assert (whole != as_it_lies) == any(name.startswith(start) for start in WRAPPED)
    assert re.sub(r"[\s-]", "", whole) == re.sub(r"[\s-]", "", as_it_lies)


def test_entries_of_a_dictionary(data_folder: Path) -> None:
    document = read(data_folder / "books" / "gutenberg-972-devils-dictionary.txt.gz")
    assert document.title == "The Devil's Dictionary"
    assert (
        "\n\nABASEMENT, n.  A decent and customary mental attitude in the presence of wealth or "
        "power.  Peculiarly "
        "appropriate in an employee when addressing an employer.\n\nABATIS, n.  Rubbish in front "
        "of "
        "a fort, to prevent the rubbish outside from molesting the rubbish inside.\n\n"
    ) in document.text
    assert (
        "\n\n  Poor Isabella's Dead, whose abdication\n  Set all tongues wagging in the Spanish "
        "nation.\n" in document.text
    )


def test_the_hyphens_of_a_scanned_book_go_and_those_of_its_words_stay(data_folder: Path) -> None:
    text = read(data_folder / "books" / "Hardy_Madding_1874.txt.gz").text
    assert "by the time the congegation reached" in text
    assert "a kind of pepper-and-salt mixture" in text
    assert (
        "\n\nCHAPTER I\n\nDESCRIPTION OF FARMER OAK - AN INCIDENT\nWhen Farmer Oak smiled, the "
        "corners of his mouth spread till" in text
    )


def test_a_book_as_html_loses_the_same(data_folder: Path) -> None:
    document = read(data_folder / "books" / "gutenberg-24675-ontboezemingen.htm.gz", kind="html")
    assert "Hebt ge wel eens een neef" in document.text
    assert not re.search(
        r"Project Gutenberg(-tm| License| eBook)|\*\*\* ?START|pgdp\.net",
        document.text,
        re.IGNORECASE,
    )
