"""Every rule accepts a job and refuses one, in exact words."""

from dataclasses import replace
from typing import Any

import pytest

from shardyard.spec.catalogue.images import container_of
from shardyard.spec.catalogue.instances import INSTANCES
from shardyard.spec.endpoints.endpoint import EndpointSpec
from shardyard.spec.jobs.automl.automl import AutoMLSpec
from shardyard.spec.jobs.launched import LaunchedSpec
from shardyard.spec.jobs.processing.processing import ProcessingSpec
from shardyard.spec.jobs.transform.transform import TransformSpec
from shardyard.spec.rules import RULES, Facts, accepted_instance_types, check, check_endpoint, rules_of
from tests.support.automl import automl_rule_cases
from tests.support.some import some
from tests.support.spec import (
    builtin_rule_cases,
    container_rule_cases,
    endpoint_rule_cases,
    processing_rule_cases,
    rule_cases,
    secret_rule_cases,
    transform_rule_cases,
    tuning_rule_cases,
)
from tests.support.spec.rule_cases import Case, p4d
from tests.support.spec.spec_tables import make, over

CASES: list[Case] = [
    *rule_cases.TIMES,
    *rule_cases.MACHINES,
    *rule_cases.ACCELERATORS,
    *rule_cases.DATA,
    *container_rule_cases.LIMITS,
    *container_rule_cases.NETWORKING,
    *container_rule_cases.PROGRAMS,
    *container_rule_cases.TENSORFLOW,
    *secret_rule_cases.SECRETS,
    *tuning_rule_cases.CASES,
    *processing_rule_cases.PROCESSING,
    *transform_rule_cases.TRANSFORM,
    *automl_rule_cases.AUTOML,
    *builtin_rule_cases.CASES,
    *endpoint_rule_cases.CASES,
]


def spec_of(case: Case, tables: dict[str, Any]) -> LaunchedSpec | EndpointSpec:
    """A job, or an endpoint, of the kind that the rule is about."""
    if RULES[case.rule].of is EndpointSpec:
        return EndpointSpec.from_dict(over(endpoint_rule_cases.BASE, tables))
    if RULES[case.rule].of is ProcessingSpec or any(case is one for one in processing_rule_cases.PROCESSING):
        return ProcessingSpec.from_dict(over(processing_rule_cases.BASE, tables))
    if RULES[case.rule].of is TransformSpec:
        return TransformSpec.from_dict(over(transform_rule_cases.BASE, tables))
    if RULES[case.rule].of is AutoMLSpec:
        return AutoMLSpec.from_dict(over(automl_rule_cases.BASE, tables))
    return make(**tables)


def found(case: Case, tables: dict[str, Any], facts: Facts) -> list[str]:
    """What all rules say."""
    spec = spec_of(case, tables)
    problems = check_endpoint(spec, facts) if isinstance(spec, EndpointSpec) else check(spec, facts)
    return [str(problem) for problem in problems]


@pytest.mark.parametrize("case", CASES, ids=[case.rule for case in CASES])
def test_accepts_what_is_right(case: Case) -> None:
    assert found(case, case.good, case.facts if case.good_facts is None else case.good_facts) == []


@pytest.mark.parametrize("case", CASES, ids=[case.rule for case in CASES])
def test_refuses_what_is_wrong_in_exact_words(case: Case) -> None:
    spec = spec_of(case, case.bad)
    own = [str(problem) for problem in RULES[case.rule].check(spec, case.facts)]
    assert own == [case.says]
    assert case.says in found(case, case.bad, case.facts)


def test_every_rule_has_a_case() -> None:
    assert {case.rule for case in CASES} == set(RULES)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_every_rule_says_what_why_and_who(rule) -> None:
    assert rule.sentence.endswith(".") and "\n" not in rule.sentence
    assert rule.reason.endswith(".")
    assert rule.source


def test_rules_on_facts_are_silent_while_the_facts_are_unknown() -> None:
    for case in some(case for case in CASES if case.facts != Facts()):
        assert [str(p) for p in RULES[case.rule].check(spec_of(case, case.bad), Facts())] == []


def test_rules_by_type_are_marked_so() -> None:
    """A rule that looks at the type but is not marked would be forgotten by accepted_instance_types."""

    def differs_by_type_only(case: Case) -> bool:
        kinds = {tables.get("compute", {}).get("instance_type") for tables in (case.good, case.bad)}
        return {**case.good, "compute": None} == {**case.bad, "compute": None} and len(kinds) == 2

    for case in some(filter(differs_by_type_only, CASES)):
        assert RULES[case.rule].by_type, case.rule


def test_a_fallback_is_checked_like_the_job_itself() -> None:
    fallback = [{"instance_type": "ml.p3.2xlarge"}]
    spec = make(hyperparameters={"precision": "bf16"}, compute={"fallback": fallback})
    assert [str(problem) for problem in check(spec)] == [
        "compute.fallback[0]: hyperparameters.precision: the V100 of ml.p3.2xlarge (Volta) has no bfloat16 "
        "(use fp32 or fp16)"
    ]


def test_a_container_must_fit_the_fallbacks_and_the_parameters_values_too() -> None:
    image = {"folder": None, "framework": "pytorch", "version": "2.13"}
    spec = make(image=image, compute={"fallback": [{"instance_type": "ml.c5.xlarge"}]})
    assert [str(problem).partition(", and")[0] for problem in check(spec)] == [
        "compute.fallback[0]: compute.instance_type: ml.c5.xlarge has no GPU"
    ]
    accepted = accepted_instance_types(make(image=image))
    assert "ml.g6.xlarge" in accepted and "ml.c5.xlarge" not in accepted and "ml.trn1.32xlarge" not in accepted
    processors = accepted_instance_types(make(image=image, compute={"instance_type": "ml.c5.xlarge"}))
    assert "ml.m5.xlarge" in processors and "ml.g6.xlarge" not in processors


def test_a_fallback_is_another_machine_and_there_are_ten_at_most() -> None:
    same = check(make(compute={"fallback": [{"instance_type": "ml.g5.xlarge"}]}))
    assert [str(problem) for problem in same] == [
        "compute.fallback[0]: 1 x ml.g5.xlarge is tried before it already (remove it)"
    ]
    many = [{"instance_type": "ml.g6.xlarge", "count": number + 1} for number in range(11)]
    assert [str(problem) for problem in check(make(compute={"fallback": many}))] == [
        "compute.fallback: 11 are not allowed (10 or fewer)"
    ]


def test_a_tag_has_letters_that_the_service_takes() -> None:
    assert check(make(tags={"caf\u00e9 1": "a_b.c:/=+-@"})) == []
    assert [str(problem) for problem in check(make(tags={"a*": "x", "b": "\U0001f600"}))] == [
        "tags.a*: '*' is not allowed (letters, digits, blanks and _.:/=+-@)",
        "tags.b: '\U0001f600' is not allowed (letters, digits, blanks and _.:/=+-@)",
    ]


@pytest.mark.parametrize("letter", "\n\r\u0085\u2028\u2029")
def test_a_hyperparameter_is_one_line_as_the_service_counts_lines(letter: str) -> None:
    problem = "a line break is not allowed (put the text into a file of a channel)"
    assert [str(one) for one in check(make(hyperparameters={"a": f"x{letter}", f"b{letter}": 1}))] == [
        f"hyperparameters.a: {problem}",
        f"hyperparameters.b{repr(letter)[1:-1]}: {problem}",
    ]


def test_an_instance_without_efa_takes_two_addresses_and_outside_the_vpc_none() -> None:
    facts = Facts(subnet_addresses=11)
    groups = [{"name": "a", "instance_type": "ml.g5.xlarge", "count": 5}]
    small = [{"name": "b", "instance_type": "ml.c5.xlarge", "count": 1}]
    problem = "compute: 5 x ml.g5.xlarge + 1 x ml.c5.xlarge take 12 addresses, and the largest subnet has 11"
    alone = make(compute={"instance_type": None, "groups": groups})
    assert list(RULES["subnet-addresses"].check(alone, facts)) == []
    both = make(compute={"instance_type": None, "groups": groups + small})
    assert [str(one).partition(" (")[0] for one in RULES["subnet-addresses"].check(both, facts)] == [problem]
    outside = make(compute={"instance_type": None, "groups": groups + small}, network={"vpc": False})
    assert list(RULES["subnet-addresses"].check(outside, facts)) == []


def test_step_functions_adds_a_tag_only_to_the_jobs_that_it_creates_itself() -> None:
    """A job on the second path is created by a function of ours, which adds none."""
    facts = Facts(project_tags={f"t{number}": "x" for number in range(25)})
    tags = {f"own{number}": "x" for number in range(19)}
    assert [problem.where for problem in check(make(tags=tags), facts)] == ["tags"]
    assert check(make(tags=tags, debug={"remote": True}), facts) == []


def test_a_fallback_does_not_repeat_the_problems_of_the_job() -> None:
    spec = make(tags={"project": "x"}, compute={"fallback": [{"instance_type": "ml.g6.xlarge"}]})
    assert len(check(spec)) == 1


def test_accepted_types_are_those_that_break_no_rule() -> None:
    spec = make(hyperparameters={"precision": "bf16", "backend": "smddp"})
    assert accepted_instance_types(spec) == ("ml.p4d.24xlarge", "ml.p4de.24xlarge")
    assert "ml.p3.2xlarge" not in accepted_instance_types(make(hyperparameters={"precision": "bf16"}))
    assert "ml.m5.large" in accepted_instance_types(make(hyperparameters={"precision": "bf16"}))


@pytest.mark.parametrize("case", [case for case in CASES if RULES[case.rule].by_type], ids=lambda case: case.rule)
def test_accepted_types_are_the_same_when_each_is_asked_alone(case: Case) -> None:
    """Rules are first asked about all types at once; one that looked at a single one of them would be forgotten."""
    for tables, facts in ((case.good, case.good_facts), (case.bad, case.facts)):
        spec, known = spec_of(case, tables), case.facts if facts is None else facts
        assert not isinstance(spec, EndpointSpec)
        known = replace(known, container=container_of(spec)) if known.container is None else known
        rules = [rule for rule in rules_of(spec) if rule.by_type]
        accepted = accepted_instance_types(spec, known)
        for kind in INSTANCES if spec.compute.instance_type is not None else ():
            alone = replace(spec, compute=replace(spec.compute, instance_type=kind))
            fits = not any(list(rule.check(alone, known)) for rule in rules)
            assert (kind in accepted) == fits, kind


def test_all_problems_of_one_rule_are_said() -> None:
    spec = make(
        compute=p4d(volume="99999GB") | {"volume": "9000GB"},
        channels={"val": {"s3": "a/", "distribution": "ShardedByS3Key"}, "a b": {"s3": "a/"}},
    )
    assert {problem.where for problem in check(spec)} == {"compute.volume", "channels.val.distribution", "channels.a b"}
