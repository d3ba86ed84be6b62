"""Project Gutenberg's header, licence and credits in their spellings, and contradictory files."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.sources.gutenberg import strip_gutenberg

BODY = "\n\n".join(["It was a wet evening, and nobody was about but the lamplighter."] * 40)
STAR = "*** START OF THE PROJECT GUTENBERG EBOOK SONGS ***"
END = "*** END OF THE PROJECT GUTENBERG EBOOK SONGS ***"
LICENCE = "\n\nSection 1. General terms of Project Gutenberg-tm.\n" * 20


@pytest.mark.parametrize(
    "start",
    [
        STAR,
        "*** START OF THIS PROJECT GUTENBERG EBOOK SONGS ***",
        "***START OF THE PROJECT GUTENBERG EBOOK SONGS***",
        "*** START OF THE PROJECT GUTENBERG ETEXT SONGS ***",
        "*** START OF THIS PROJECT GUTENBERG E-BOOK SONGS ***",
        "*** START OF THE COPYRIGHTED PROJECT GUTENBERG EBOOK SONGS ***",
        "*** START OF THE PROJECT GUTENBERG EBOOK SONGS, WITH A TITLE THAT\nGOES OVER TWO LINES "
        "***",
        "*** START OF THE PROJECT GUTENBERG EBOOK SONGS OF\nTHREE\nLINES ***",
        "*END*THE SMALL PRINT! FOR PUBLIC DOMAIN ETEXTS*Ver.04.29.93*END*",
        "*END THE SMALL PRINT! FOR PUBLIC DOMAIN ETEXTS*Ver.03.17.02*END*",
        "***START**THE SMALL PRINT!**FOR PUBLIC DOMAIN ETEXTS**START***\nYou may copy it.\n"
        "*END*THE SMALL PRINT! FOR PUBLIC DOMAIN EBOOKS*Ver.02/11/02*END*",
        "Beginning of this Project Gutenberg Etext of Songs",
    ],
)
@pytest.mark.parametrize("end", [END, "End of the Project Gutenberg EBook of Songs, by Nobody"])
def test_starts(start: str, end: str) -> None:
    text = (
        f"The Project Gutenberg EBook of Songs, by Nobody\n\nTitle: Songs\n\n{start}\n\n\n"
        f"{BODY}\n\n{end}\n{LICENCE}"
    )
    assert strip_gutenberg(text)[0].strip() == BODY
    assert strip_gutenberg(text).title == "Songs"


@pytest.mark.parametrize(
    "end",
    [
        END,
        "*** END OF THIS PROJECT GUTENBERG EBOOK SONGS ***",
        "***END OF THE PROJECT GUTENBERG EBOOK SONGS***",
        "        *** END OF THE COPYRIGHTED PROJECT GUTENBERG EBOOK SONGS ***",
        "End of Project Gutenberg's Songs, by Nobody",
        "End of Project Gutenberg’s Songs, by Nobody",
        "End of the Project Gutenberg EBook of Songs, by Nobody\n\n" + END,
        "End of this Project Gutenberg Etext of Songs",
        "End of The Project Gutenberg E-text of Songs",
        "END OF PROJECT GUTENBERG ETEXT SONGS",
        "Ende dieses Projekt Gutenberg Etextes Lieder",
        "Ende dieses Project Gutenberg Etextes",
        "Ende dieses Etextes des Projekt Gutenberg",
        "Fin de Project Gutenberg's Chansons",
        "Fin du Projet Gutenberg Etext de Chansons\n\n" + END,
        "Fin de ce Project Gutenberg Etext",
        "Fin del Proyecto Gutenberg Etext de Canciones",
        "Fine del Progetto Gutenberg Etext",
        "Fim do Projeto Gutenberg Etext",
        "Einde van dit Project Gutenberg EBook",
        "Slut på Project Gutenbergs Sånger",
        "Loppu: Project Gutenbergin Lauluja",
    ],
)
def test_ends(end: str) -> None:
    text = f"Project Gutenberg's Songs, by Nobody\n\n{STAR}\n\n{BODY}\n\n{end}\n{LICENCE}"
    assert strip_gutenberg(text)[0].strip() == BODY


@pytest.mark.parametrize(
    "credit",
    [
        "Produced by Jane Roe and the Online Distributed\nProofreading Team at "
        "https://www.pgdp.net",
        "E-text prepared by Jane Roe",
        "Etext prepared by Jane Roe, somewhere@example.org",
        "This eBook was produced by Jane Roe.",
        "This etext was prepared by Jane Roe\nfrom the 1890 edition.",
        "Transcribed from the 1890 Somebody & Co. edition by Jane Roe",
        "Scanned and proofed by Jane Roe",
        "HTML version by Jane Roe.\n\nProduced by John Doe",
        "Credits: Jane Roe",
        "[Transcriber's note: old spellings\n\nare kept.]",
        "[Transcribers' Notes: none]\n\nProduced by Jane Roe",
        "Note: Project Gutenberg also has an HTML version of this\n      file which includes the "
        "original illustrations.",
        "Updated editions of this eBook will replace the last one.",
    ],
)
def test_credits_before_the_book_are_off(credit: str) -> None:
    first = credit.replace("HTML version by Jane Roe.", "HTML version produced by Jane Roe.")
    text = f"Title: Songs\n\n{STAR}\n\n\n{first}\n\n\n\n{BODY}\n\n{END}\n{LICENCE}"
    assert strip_gutenberg(text)[0].strip() == BODY


@pytest.mark.parametrize(
    "first",
    [
        "Produced plays were few in that year.",
        "PREPARED FOR THE PRESS",
        "Note: this tale is old.",
        "[Illustration: a lamp]",
        "Transcriber's note: kept, since nobody knows where it ends.",
    ],
)
def test_first_words_of_a_book_are_not_taken_for_credits(first: str) -> None:
    assert strip_gutenberg(f"{STAR}\n\n{first}\n\n{BODY}\n\n{END}\n{LICENCE}").text.startswith(
        first
    )


@pytest.mark.parametrize(
    ("header", "title"),
    [
        ("Title: Songs of\n       Two Rivers\nAuthor: Nobody", "Songs of Two Rivers"),
        ("Titel: Lieder", "Lieder"),
        ("**The Project Gutenberg Etext of Songs of Two, by Nobody**", "Songs of Two"),
        ("Project Gutenberg's Songs of Three, by Nobody", "Songs of Three"),
        ("The Project Gutenberg EBook of Songs of Four", "Songs of Four"),
        ("Welcome to a library", None),
        ("Title:\n\nAuthor: Nobody", None),
    ],
)
def test_titles(header: str, title: str | None) -> None:
    assert strip_gutenberg(f"{header}\n\n{STAR}\n{BODY}\n{END}\n{LICENCE}").title == title


def test_a_volume_within_a_book_does_not_end_it() -> None:
    volumes = f"{BODY}\n\nEnd of the Project Gutenberg Etext of Songs, Volume 1\n\n{BODY}"
    assert (
        strip_gutenberg(
            f"{STAR}\n{volumes}\n\nEnd of Project Gutenberg's Songs\n\n{END}\n{LICENCE}"
        ).text.strip()
        == volumes
    )
    assert (
        strip_gutenberg(
            f"{STAR}\n{volumes}\n\nEnd of Project Gutenberg's Songs\n{LICENCE}"
        ).text.strip()
        == volumes
    )


def test_small_print_behind_the_book_ends_it() -> None:
    text = (
        f"The Project Gutenberg Etext of Songs, by Nobody\n\n{BODY}\n\n"
        "***START**THE SMALL PRINT!**FOR PUBLIC DOMAIN ETEXTS**START***\nYou may copy it.\n"
        "*END*THE SMALL PRINT! FOR PUBLIC DOMAIN ETEXTS*Ver.1*END*\n"
    )
    book = strip_gutenberg(text).text
    assert "SMALL PRINT" not in book
    assert BODY in book


@pytest.mark.parametrize(
    "text",
    [
        f"{END}\n{BODY}\n{STAR}\nA page.",  # the end before the start
        f"{BODY}\n{STAR}\nA page.",  # next to nothing behind the start
        f"{STAR}\nA page.\nEnd of Project Gutenberg's Songs\n"
        f"{BODY}",  # next to nothing before the end
        f"{STAR}\nA page.\n{END}\n{BODY * 20}",  # more behind the end than any licence
    ],
)
def test_contradicting_markers_cost_no_book(text: str) -> None:
    assert BODY in strip_gutenberg(text).text


def test_a_short_piece_between_markers_is_all_there_is() -> None:
    assert strip_gutenberg(f"{STAR}\n\nA poem.\n\n{END}\n{LICENCE}").text.strip() == "A poem."
    assert strip_gutenberg(f"{STAR}\n\n{END}\n{LICENCE}").text.strip() == ""


@given(st.text(st.sampled_from("ab \n*.'é"), max_size=300))
def test_a_text_without_markers_comes_whole(text: str) -> None:
    assert strip_gutenberg(text) == (text, None)


@given(
    st.lists(
        st.sampled_from(
            [
                STAR,
                END,
                "End of Project Gutenberg's Songs",
                "Produced by X",
                BODY,
                "*END*THE SMALL PRINT!",
                "",
                "a",
            ]
        ),
        max_size=12,
    )
)
def test_what_comes_out_is_one_stretch_of_the_text(lines: list[str]) -> None:
    text = "\n".join(lines)
    book = strip_gutenberg(text).text
    assert book in text
    assert (len(book) > 0) or len(text) < 40_000
