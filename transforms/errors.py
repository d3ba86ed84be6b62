"""Errors a person can act on: what was wrong, where, and what to do."""


class UserError(Exception):
    """A run cannot continue, and the user can fix the cause.

    Printed as three lines; the process exits with `exit_code`.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str, remedy: str):
        super().__init__(f"{what}\n  where: {where}\n  do: {remedy}")
        self.what = what
        self.where = where
        self.remedy = remedy


class ConfigError(UserError):
    """The configuration or the command line is wrong: nothing has run yet."""

    exit_code = 2
