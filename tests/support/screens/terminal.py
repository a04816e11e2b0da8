"""What a terminal shows of the few sequences with which a screen is drawn again in place."""

import re

_SEQUENCE = re.compile(r"\x1b\[([0-9?;]*)([A-Za-z])|(.)", re.DOTALL)


class Terminal:
    """A grid without a lower end. As real ones do, it goes to the next line only for the letter after a full line."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.rows: list[str] = [""]
        self.row = self.column = 0

    def write(self, text: str) -> None:
        """Take what a program or a person writes."""
        for sequence in _SEQUENCE.finditer(text):
            many, action, letter = sequence.groups()
            if letter is not None:
                self._letter(letter)
            elif action == "A":
                self.row = max(self.row - int(many or 1), 0)
            elif action == "K":
                self.rows[self.row] = ""
            elif action not in "mhl":  # colours, and whether the cursor is seen
                raise AssertionError(f"unknown to this terminal: {sequence[0]!r}")

    def _letter(self, letter: str) -> None:
        if letter == "\r":
            self.column = 0
        elif letter == "\n":
            self._to_the_next_line()
        else:
            if self.column == self.width:
                self._to_the_next_line()
            line = self.rows[self.row].ljust(self.column)
            self.rows[self.row] = line[: self.column] + letter + line[self.column + 1 :]
            self.column += 1

    def _to_the_next_line(self) -> None:
        self.row, self.column = self.row + 1, 0
        self.rows += [""] * (self.row + 1 - len(self.rows))

    def shown(self) -> list[str]:
        """The lines, without what is blank at their ends and at the end of all."""
        return "\n".join(line.rstrip() for line in self.rows).rstrip("\n").split("\n")
