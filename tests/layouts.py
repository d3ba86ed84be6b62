"""Made texts of setext headings, rules, lists, code and tables, whose lines filters count."""

import random
from collections.abc import Callable, Iterator


def made_layouts(count: int, seed: int = 0) -> Iterator[str]:
    """Texts of the line forms that documentation is made of, in shares that vary from text to text; the same for the same seed."""
    chance = random.Random(seed)
    words = [
        "the", "of", "and", "to", "a", "mill", "river", "that", "with", "have", "be", "stone", "wheel", "water", "grain", "flour",
        "old", "new", "well-known", "e.g.", "U.S.", "3.5", "#4", "it's", "x=1",
    ]  # fmt: skip

    def phrase(least: int, most: int) -> str:
        return " ".join(chance.choices(words, k=chance.randint(least, most)))

    def heading() -> str:
        title = phrase(1, 6)
        return title + "\n" + chance.choice("-=~^*") * chance.choice((len(title), 3, 60))

    forms: list[Callable[[], str]] = [
        heading,
        lambda: "#" * chance.randint(1, 4) + " " + phrase(1, 6),
        lambda: chance.choice(
            ("---", "- - -", "* * *", "-" * 72, "=" * 72, "•••", "___", "--", "…", "...")
        ),
        lambda: "\n".join(
            chance.choice(("- ", "  - ", "* ", "• ", "\t-\t", "-", "\u3000• ", "\xa0- ", "1. "))
            + phrase(1, 9)
            for _ in range(5)
        ),
        lambda: (
            "```\n"
            + "\n".join(f"    if {phrase(1, 2)}: return [{phrase(1, 3)}]" for _ in range(3))
            + "\n```"
        ),
        lambda: "\n".join(
            "| " + " | ".join(phrase(1, 2) for _ in range(3)) + " |" for _ in range(3)
        ).replace("\n", "\n|---|---|---|\n", 1),
        lambda: "+-----+-----+\n| " + phrase(1, 1) + " | 2 |\n+-----+-----+",
        lambda: phrase(3, 12) + chance.choice(("...", "…", " ... ", "...\t", "....", "…\xa0")),
        lambda: (
            phrase(1, 6)
            + "\n"
            + "-" * 9
            + "\n"
            + chance.choice((":param x: ", ".. note:: ", "   ", "$ ls -l "))
            + phrase(2, 9)
        ),
        lambda: phrase(8, 40).capitalize() + chance.choice(".!?:"),
        lambda: " ".join(phrase(8, 20).capitalize() + "." for _ in range(chance.randint(1, 4))),
    ]
    ends = (
        "\n",
        "\n\n",
        "\n\n\n",
        "\r\n",
        "\r",
        "\x0b",
        "\x0c",
        "\x1c",
        "\x85",
        "\u2028",
        "\u2029",
        "\n \n",
        "\n\t",
    )
    for _ in range(count):
        own = chance.choices(forms, k=chance.randint(1, 4))
        likely = ("\n", "\n\n") if chance.random() < 0.7 else ends
        parts = [
            chance.choice(own if chance.random() < 0.8 else forms)()
            for _ in range(chance.randint(1, 40))
        ]
        yield "".join(part + chance.choice(likely) for part in parts)
