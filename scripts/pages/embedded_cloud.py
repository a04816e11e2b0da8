"""The tables of docs/reference/embedded-cloud.md, from the embedded cloud's own registries; the prose is by hand."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from scripts.pages import marked

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "embedded-cloud.md"
SERVICES = Path(__file__).parents[2] / "embedded" / "services"


def as_markdown() -> str:
    """The page as it stands, with its tables written anew."""
    return marked.rewritten(PAGE, TABLES)


def unread() -> str:
    """The properties that no service answers back, so that `verify` cannot compare them."""
    from embedded.cloudformation.providers import PROVIDERS

    found = {name: sorted(provider.unread) for name, provider in sorted(PROVIDERS.items()) if provider.unread}
    rows = [f"| {name} | {', '.join(names)} |" for name, names in found.items()]
    return "\n".join(["| type | not answered by the service |", "| --- | --- |", *rows])


def engine() -> str:
    """The operations that no folder of a service answers."""
    return f"`{'`, `'.join(name for folder, name in _operations() if folder is None)}`"


def service(folder: str) -> str:
    """What one folder of embedded/services/ answers and makes."""
    from embedded.cloudformation.providers import PROVIDERS

    answered = [name for of, name in _operations() if of == folder]
    families = {name: name.split("::")[1].lower() for name in sorted(PROVIDERS)}
    types = [name for name, family in families.items() if family == folder.rstrip("_")]
    own = ", ".join(answered) if answered else "none"
    made = ", ".join(f"`{name}`" for name in types) if types else "none"
    return f"- Operations of our own, before moto's: {own}.\n- CloudFormation: {made}."


def folders() -> list[str]:
    """The folders of embedded/services/."""
    return sorted(place.parent.name for place in SERVICES.glob("*/__init__.py"))


def _operations() -> list[tuple[str | None, str]]:
    """Each registered operation, under the folder of its service; None outside of these."""
    _register_all()
    from embedded import operations as registry

    found: list[tuple[str | None, str]] = []
    for service_name, name in registry.operations():
        module = str(registry.find_operation(service_name, name).__module__).split(".")
        found.append((module[2] if module[1] == "services" else None, name))
    return found


def verbs() -> str:
    """The verbs of the admin interface."""
    _register_all()
    from embedded import operations as registry

    return ", ".join(f"`{verb}`" for verb in registry.verbs())


def settings() -> str:
    """What `yard cloud settings` knows, and the defaults."""
    import dataclasses

    from embedded.settings import TrainingSettings

    rows = [
        f"| `{field.name}` | {field.default:g} |"
        for field in dataclasses.fields(TrainingSettings)
        if isinstance(field.default, float)
    ]
    return "\n".join(["| setting | seconds, or a ratio |", "| --- | ---: |", *rows])


def weather() -> str:
    """What `yard cloud weather` knows, with its values and where each is known from."""
    from embedded.weather.forecast import table

    rows = [
        f"| `{one['condition']}` | {one['about']} | {one['fair']} | {one['pessimistic']} | {one['source']} |"
        for one in table()
    ]
    return "\n".join(
        ["| condition | what it is | fair | pessimistic | source |", "| --- | --- | --- | --- | --- |", *rows]
    )


def conditions() -> str:
    """The condition operators that the evaluation of policies knows."""
    from embedded.access.evaluation import conditions

    return ", ".join(f"`{name}`" for name in conditions.operators())


def _register_all() -> None:
    from embedded import loading

    loading.load()


TABLES: Mapping[str, Callable[[], str]] = {
    "conditions": conditions,
    "engine": engine,
    "settings": settings,
    "unread": unread,
    "verbs": verbs,
    "weather": weather,
    **{folder: partial(service, folder) for folder in folders()},
}
"""Each table's name on the page, and the function that writes it."""
