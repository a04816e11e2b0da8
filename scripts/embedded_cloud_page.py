"""The tables of docs/why/embedded-cloud.md, from the embedded cloud's own registries; the prose is by hand."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

from scripts import marked

PAGE = Path(__file__).parents[1] / "docs" / "why" / "embedded-cloud.md"


def as_markdown() -> str:
    """The page as it stands, with its tables written anew."""
    return marked.rewritten(PAGE, TABLES)


def types() -> str:
    """The types of CloudFormation that have a provider."""
    from embedded.cloudformation.providers import PROVIDERS

    families = defaultdict(list)
    for name in sorted(PROVIDERS):
        _, family, kind = name.split("::")
        families[family].append(kind)
    rows = [f"| {family} | {', '.join(kinds)} |" for family, kinds in families.items()]
    return "\n".join(["| AWS:: | types |", "| --- | --- |", *rows])


def unread() -> str:
    """The properties that no service answers back, so that `verify` cannot compare them."""
    from embedded.cloudformation.providers import PROVIDERS

    found = {name: sorted(provider.unread) for name, provider in sorted(PROVIDERS.items()) if provider.unread}
    rows = [f"| {name} | {', '.join(names)} |" for name, names in found.items()]
    return "\n".join(["| type | not answered by the service |", "| --- | --- |", *rows])


def operations() -> str:
    """The operations that are answered here; moto answers all others that it knows."""
    _register_all()
    from embedded import operations as registry

    services = defaultdict(list)
    for service, name in registry.operations():
        services[service].append(name)
    rows = [f"| {service} | {', '.join(sorted(names))} |" for service, names in sorted(services.items())]
    return "\n".join(["| service | operations |", "| --- | --- |", *rows])


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


def conditions() -> str:
    """The condition operators that the evaluation of policies knows."""
    from embedded.access import policies

    return ", ".join(f"`{name}`" for name in policies.operators())


def _register_all() -> None:
    from embedded import loading

    loading.load()


TABLES: Mapping[str, Callable[[], str]] = {
    "conditions": conditions,
    "operations": operations,
    "settings": settings,
    "types": types,
    "unread": unread,
    "verbs": verbs,
}
"""Each table's name on the page, and the function that writes it."""
