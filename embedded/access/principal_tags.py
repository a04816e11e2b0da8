"""The condition keys `aws:PrincipalTag/NAME`: the tags of a role or a user, and over them those of the session."""

from collections.abc import Iterable, Mapping

from embedded.kept import parts

_KEY = "aws:PrincipalTag/"
_of_sessions: dict[str, dict[str, str]] = {}
parts.keep_contents("access.session_tags", _of_sessions)


def remember(access_key: str, tags: Mapping[str, str]) -> None:
    """Keep the tags with which a session was made."""
    if tags:
        _of_sessions[access_key] = dict(tags)


def of_session(access_key: str, role_tags: Iterable[Mapping[str, str]]) -> tuple[tuple[str, str], ...]:
    """The tags of a role's session: the role's, and over them its own."""
    return tuple({**dict(of_entity(role_tags)), **_of_sessions.get(access_key, {})}.items())


def of_entity(tags: Iterable[Mapping[str, str]]) -> tuple[tuple[str, str], ...]:
    """The tags of a role or a user."""
    return tuple((tag["Key"], tag["Value"]) for tag in tags)


def context(tags: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """The condition keys."""
    return {f"{_KEY}{key}": value for key, value in tags}
