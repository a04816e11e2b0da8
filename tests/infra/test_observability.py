"""Who is told and what is watched: topic, rules, watchdog, alarms, dashboard, budget."""

import json
from typing import Any

from checks.rules.model import Assembly
from shardyard.spec.catalogue.idle_cost import idle_items, idle_usd
from tests.support.some import some
from tests.support.templates import one

STACK = "shardyard-dev-observability"
NOT_IN_CHINA = {"Fn::If": ["OutsideChina", "budgets.amazonaws.com", "cloudwatch.amazonaws.com"]}


def statements(assembly: Assembly, type_: str, part: str) -> list[dict[str, Any]]:
    return list(one(assembly, type_, part).properties["PolicyDocument"]["Statement"])


def test_the_topic_is_encrypted_and_the_services_may_publish_for_this_account_only(dev: Assembly) -> None:
    topic = one(dev, "AWS::SNS::Topic", "AlertsTopic")
    key = dev.target(topic.stack, topic.properties["KmsMasterKeyId"])
    assert key is not None and key.type == "AWS::KMS::Key"
    allowed = [
        statement
        for statement in statements(dev, "AWS::SNS::TopicPolicy", "AlertsPolicy")
        if statement["Effect"] == "Allow"
    ]
    assert [statement["Principal"]["Service"] for statement in allowed] == [
        "events.amazonaws.com",
        "cloudwatch.amazonaws.com",
        NOT_IN_CHINA,
    ]
    for condition in (statement["Condition"] for statement in allowed):
        assert condition == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_china_has_no_budget_and_no_policy_names_budgets_there(dev: Assembly) -> None:
    """A key's policy that names an unknown principal is refused, and with it the storage stack."""
    budget = one(dev, "AWS::Budgets::Budget", "Budget")
    assert dev.templates[STACK]["Resources"][budget.logical_id]["Condition"] == "OutsideChina"
    (key,) = dev.resources("AWS::KMS::Key")
    named = [statement["Principal"].get("Service") for statement in key.properties["KeyPolicy"]["Statement"]]
    assert NOT_IN_CHINA in named and "budgets.amazonaws.com" not in named
    for stack, template in dev.templates.items():
        if "OutsideChina" in json.dumps(template.get("Resources", {})):
            expected = {"Fn::Not": [{"Fn::Equals": [{"Ref": "AWS::Partition"}, "aws-cn"]}]}
            assert template["Conditions"]["OutsideChina"] == expected, stack


def test_functions_run_on_processors_that_every_partition_has(dev: Assembly) -> None:
    either = [{"Fn::If": ["OutsideChina", "arm64", "x86_64"]}]
    assert {json.dumps(f.properties["Architectures"]) for f in dev.resources("AWS::Lambda::Function")} == {
        json.dumps(either)
    }


def test_nobody_is_subscribed_until_the_settings_or_the_parameter_name_someone(dev: Assembly) -> None:
    template = dev.templates[STACK]
    subscription = one(dev, "AWS::SNS::Subscription", "Alerts")
    assert subscription.properties["Endpoint"] == {"Ref": "AlertEmail"}
    assert template["Resources"][subscription.logical_id]["Condition"] == "AlertEmailGiven"
    assert template["Parameters"]["AlertEmail"]["Default"] == ""


def test_an_e_mail_of_the_settings_is_subscribed_always_and_the_parameter_wins(everything: Assembly) -> None:
    subscription = one(everything, "AWS::SNS::Subscription", "Alerts")
    assert "Condition" not in everything.templates[STACK]["Resources"][subscription.logical_id]
    chosen = {"Fn::If": ["AlertEmailGiven", {"Ref": "AlertEmail"}, "team@example.com"]}
    assert subscription.properties["Endpoint"] == chosen


def test_state_changes_reach_the_handler(dev: Assembly) -> None:
    rule = one(dev, "AWS::Events::Rule", "JobWatchStateChange").properties
    assert rule["EventPattern"] == {
        "source": ["aws.sagemaker"],
        "detail-type": [
            "SageMaker Training Job State Change",
            "SageMaker Processing Job State Change",
            "SageMaker HyperParameter Tuning Job State Change",
            "SageMaker Transform Job State Change",
        ],
    }
    assert rule["State"] == "ENABLED"


def test_the_handler_wakes_the_watchdog_and_no_deploy_puts_it_to_sleep(dev: Assembly) -> None:
    """CloudFormation writes a state that the template names: a deploy while jobs run would end the watch."""
    rule = one(dev, "AWS::Events::Rule", "JobWatchWatchdog").properties
    assert rule["ScheduleExpression"] == "rate(5 minutes)"
    assert "State" not in rule
    handler = one(dev, "AWS::Lambda::Function", "JobWatchStateChanges").properties
    assert handler["Environment"]["Variables"]["WATCHDOG_RULE"] == rule["Name"]
    wakes = [
        statement
        for statement in statements(dev, "AWS::IAM::ManagedPolicy", "JobWatchStateChanges")
        if statement["Action"] == "events:EnableRule"
    ]
    assert len(wakes) == 1
    assert json.dumps(wakes[0]["Resource"]).endswith(f':rule/{rule["Name"]}"]]}}')


def test_the_template_says_that_the_watchdogs_rule_changes_at_run_time(dev: Assembly) -> None:
    said = {
        rule.properties.get("Name"): dev.templates[STACK]["Resources"][rule.logical_id].get("Metadata", {})
        for rule in dev.resources("AWS::Events::Rule")
        if rule.stack == STACK
    }
    assert said["shardyard-dev-watchdog"]["shardyard:ChangesAtRunTime"] == ["State"]
    assert "shardyard:ChangesAtRunTime" not in said["shardyard-dev-job-events"]


def test_each_rule_may_call_its_function_and_nobody_else_may(dev: Assembly) -> None:
    permissions = [p for p in dev.resources("AWS::Lambda::Permission") if p.stack == STACK]
    assert len(permissions) == 2
    for permission in permissions:
        assert permission.properties["Principal"] == "events.amazonaws.com"
        assert permission.properties["SourceAccount"] == {"Ref": "AWS::AccountId"}
        rule = dev.target(STACK, permission.properties["SourceArn"])
        assert rule is not None and rule.type == "AWS::Events::Rule"


def test_the_alarms_stand_on_metrics_with_fixed_dimensions(dev: Assembly) -> None:
    alarms = {
        alarm.properties["MetricName"]: alarm.properties
        for alarm in dev.resources("AWS::CloudWatch::Alarm")
        if alarm.stack == STACK
    }
    assert set(alarms) == {"FailuresOutsideLaunches", "LowGpuMinutes", "SilentMinutes"}
    for metric, properties in alarms.items():
        names = {dimension["Name"] for dimension in properties["Dimensions"]}
        assert names == {"Project", "Stage"}
        assert properties["AlarmActions"], metric
        assert "OKActions" not in properties, "the first look at a quiet metric would send an OK"
        assert properties["TreatMissingData"] == "notBreaching"
        assert properties["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
    limits = {"FailuresOutsideLaunches": 1, "LowGpuMinutes": 30, "SilentMinutes": 30}
    assert {metric: properties["Threshold"] for metric, properties in alarms.items()} == limits


def test_the_dashboard_needs_no_job_names_and_has_a_section_a_job(dev: Assembly) -> None:
    (dashboard,) = dev.resources("AWS::CloudWatch::Dashboard")
    body = json.dumps(dashboard.properties["DashboardBody"])
    for metric in ("GPUUtilization", "GPUMemoryUtilization", "CPUUtilization", "MemoryUtilization", "DiskUtilization"):
        assert f'MetricName=\\\\\\"{metric}\\\\\\"' in body
    assert "/aws/sagemaker/TrainingJobs,Host" in body
    assert "/aws/sagemaker/TrainingJobs,TrainingJobName" in body
    assert "yard train mnist-ddp" in body


def test_a_jobs_section_finds_training_jobs_that_only_begin_with_its_name(dev: Assembly) -> None:
    (dashboard,) = dev.resources("AWS::CloudWatch::Dashboard")
    body = json.dumps(dashboard.properties["DashboardBody"])
    # In quotes CloudWatch takes a term as the whole of a name, and a training job's goes on with the run.
    assert "TrainingJobName=mnist-ddp'" in body
    assert "Host=mnist-ddp'" in body


def test_no_two_widgets_of_the_dashboard_lie_on_each_other(dev: Assembly) -> None:
    (dashboard,) = dev.resources("AWS::CloudWatch::Dashboard")
    body = dashboard.properties["DashboardBody"]
    text = body if isinstance(body, str) else "".join(p if isinstance(p, str) else "x" for p in body["Fn::Join"][1])
    taken: set[tuple[int, int]] = set()
    for widget in some(json.loads(text)["widgets"]):
        xs = range(widget["x"], widget["x"] + widget["width"])
        cells = {(x, y) for x in xs for y in range(widget["y"], widget["y"] + widget["height"])}
        assert not cells & taken
        assert widget["x"] + widget["width"] <= 24
        taken |= cells


def test_the_budget_is_made_when_it_may_publish(dev: Assembly) -> None:
    """Budgets may ask the topic's policy, and without the dependency CloudFormation is free to make that later."""
    (budget,) = dev.resources("AWS::Budgets::Budget")
    policy = one(dev, "AWS::SNS::TopicPolicy", "AlertsPolicy")
    assert dev.templates[STACK]["Resources"][budget.logical_id]["DependsOn"] == [policy.logical_id]


def test_two_regions_do_not_want_the_same_budget(dev: Assembly) -> None:
    (budget,) = dev.resources("AWS::Budgets::Budget")
    assert budget.properties["Budget"]["BudgetName"] == {"Fn::Join": ["", ["shardyard-dev-", {"Ref": "AWS::Region"}]]}


def test_the_budget_warns_four_times_and_counts_the_whole_account(dev: Assembly) -> None:
    (budget,) = dev.resources("AWS::Budgets::Budget")
    assert "CostFilters" not in budget.properties["Budget"]
    found = [
        (entry["Notification"]["NotificationType"], entry["Notification"]["Threshold"])
        for entry in budget.properties["NotificationsWithSubscribers"]
    ]
    assert found == [("ACTUAL", 50), ("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100)]
    chosen = {"Fn::If": ["MonthlyBudgetUsdGiven", {"Ref": "MonthlyBudgetUsd"}, "100"]}
    assert budget.properties["Budget"]["BudgetLimit"] == {"Amount": chosen, "Unit": "USD"}


def test_a_tag_filter_counts_what_carries_the_tag(everything: Assembly) -> None:
    (budget,) = everything.resources("AWS::Budgets::Budget")
    assert budget.properties["Budget"]["CostFilters"] == {"TagKeyValue": ["user:project$shardyard"]}


def test_the_default_app_costs_at_most_six_dollars_a_month_idle(dev: Assembly) -> None:
    items = [item for template in dev.templates.values() for item in idle_items(template)]
    assert round(idle_usd(dev.templates), 2) <= 6, [(item.logical_id, item.monthly_usd) for item in items]
    assert {item.kind for item in items} == {
        "AWS::KMS::Key",
        "AWS::CloudWatch::Dashboard",
        "AWS::CloudWatch::Alarm",
    }
