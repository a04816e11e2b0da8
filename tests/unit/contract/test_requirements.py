"""What pip says, as one sentence."""

from contract.requirements import digest, pip_errors

CONFLICT = """WARNING: something else
ERROR: Cannot install a==1 and b==2 because these package versions have conflicting dependencies.
ERROR: ResolutionImpossible: for help visit https://pip.pypa.io/en/latest/topics/dependency-resolution/
"""
NO_WAY = """WARNING: Retrying (Retry(total=4)) after connection broken by 'NewConnectionError(...)': /simple/einops/
ERROR: Could not find a version that satisfies the requirement einops==0.8.1 (from versions: none)
ERROR: No matching distribution found for einops==0.8.1
"""


def test_only_pips_error_lines_are_told() -> None:
    assert pip_errors(CONFLICT) == (
        "Cannot install a==1 and b==2 because these package versions have conflicting dependencies.; "
        "ResolutionImpossible: for help visit https://pip.pypa.io/en/latest/topics/dependency-resolution/"
    )


def test_an_index_that_cannot_be_reached_is_told_as_such() -> None:
    assert pip_errors(NO_WAY).endswith("found for einops==0.8.1 (the package index cannot be reached from here)")


def test_without_an_error_line_the_end_of_the_output_is_told() -> None:
    assert pip_errors("x" * 1000 + "\nKilled\n").endswith("x\nKilled")


def test_a_comment_makes_no_other_list() -> None:
    assert digest(b"# why\na==1  # because\n") == digest(b"a==1")
