"""Notebook instances: closed, encrypted, linked to git, and they stop by themselves."""

import base64
import json

from checks.rules.model import Assembly, as_list
from shardyard.workspaces.notebook_scripts import on_start
from tests.support.templates import Scenario, one

STACK = "shardyard-dev-notebooks"


def test_the_default_app_has_none(dev: Assembly) -> None:
    assert STACK not in dev.templates


def test_each_is_closed_and_encrypted(everything: Assembly) -> None:
    notebooks = list(everything.resources("AWS::SageMaker::NotebookInstance"))
    assert len(notebooks) == 2
    for notebook in notebooks:
        properties = notebook.properties
        assert properties["RootAccess"] == "Disabled"
        assert properties["DirectInternetAccess"] == "Disabled"
        assert properties["PlatformIdentifier"] == "notebook-al2023-v1"
        assert properties["InstanceMetadataServiceConfiguration"] == {"MinimumInstanceMetadataServiceVersion": "2"}
        assert properties["SubnetId"] and properties["SecurityGroupIds"]
        key = everything.target(notebook.stack, properties["KmsKeyId"])
        assert key is not None and key.type == "AWS::KMS::Key"


def test_each_stops_by_itself(everything: Assembly) -> None:
    config = one(everything, "AWS::SageMaker::NotebookInstanceLifecycleConfig", "AutoStop")
    content = config.properties["OnStart"][0]["Content"]
    text = base64.b64decode(content).decode() if isinstance(content, str) else content["Fn::Base64"]
    assert text == on_start(60)
    for notebook in everything.resources("AWS::SageMaker::NotebookInstance"):
        found = everything.target(notebook.stack, notebook.properties["LifecycleConfigName"])
        assert found is not None and found.logical_id == config.logical_id


def test_notebooks_bring_the_endpoints_that_they_need(scenario: Scenario) -> None:
    # This scenario asks for no endpoint itself. Without sagemaker.api a notebook could not stop itself.
    endpoints = scenario("notebooks, no repository").assembly.resources("AWS::EC2::VPCEndpoint")
    names = [
        json.dumps(e.properties["ServiceName"]) for e in endpoints if e.properties["VpcEndpointType"] == "Interface"
    ]
    assert sorted(name.rstrip('"]}').rsplit(".", 1)[1] for name in names) == ["api", "logs", "states", "sts"]
    assert any(".sagemaker.api" in name for name in names)


def test_the_notebook_may_stop_itself(everything: Assembly) -> None:
    allowed = json.dumps(one(everything, "AWS::IAM::ManagedPolicy", "IdentityNotebook").properties["PolicyDocument"])
    assert "sagemaker:StopNotebookInstance" in allowed


def test_another_url_or_branch_can_replace_the_repository(everything: Assembly) -> None:
    # SageMaker changes neither in place, and a second repository cannot have the first one's name.
    assert "CodeRepositoryName" not in one(everything, "AWS::SageMaker::CodeRepository", "Repository").properties


def test_the_secret_can_be_filled_before_the_notebooks_clone(everything: Assembly) -> None:
    (secret,) = everything.resources("AWS::SecretsManager::Secret")
    assert secret.stack == "shardyard-dev-identity"
    fill = json.dumps(everything.templates[secret.stack]["Outputs"]["FillGitSecret"]["Value"])
    assert "put-secret-value" in fill and secret.logical_id in fill
    repository = one(everything, "AWS::SageMaker::CodeRepository", "Repository")
    found = everything.target(repository.stack, repository.properties["GitConfig"]["SecretArn"])
    assert found is not None and found.where == secret.where


def test_the_repository_is_private_and_its_secret_is_made_empty(everything: Assembly) -> None:
    repository = one(everything, "AWS::SageMaker::CodeRepository", "Repository").properties["GitConfig"]
    url = "https://git-codecommit.us-east-1.amazonaws.com/v1/repos/labs"
    assert repository["RepositoryUrl"] == {"Fn::If": ["NotebookGitUrlGiven", {"Ref": "NotebookGitUrl"}, url]}
    (secret,) = everything.resources("AWS::SecretsManager::Secret")
    assert "SecretString" not in secret.properties
    assert secret.properties["KmsKeyId"]
    for notebook in everything.resources("AWS::SageMaker::NotebookInstance"):
        assert len(notebook.properties["AdditionalCodeRepositories"]) == 3


def test_the_notebook_may_read_its_secret_and_its_repositories_alone(everything: Assembly) -> None:
    document = one(everything, "AWS::IAM::ManagedPolicy", "IdentityNotebook").properties["PolicyDocument"]
    by_action = {s["Action"]: s["Resource"] for s in document["Statement"] if isinstance(s["Action"], str)}
    (secret,) = everything.resources("AWS::SecretsManager::Secret")
    assert by_action["secretsmanager:GetSecretValue"] == {"Ref": secret.logical_id}
    (pull,) = [s for s in document["Statement"] if "codecommit:GitPull" in as_list(s["Action"])]
    assert json.dumps(pull["Resource"]).count(":codecommit:us-east-1:") == len(as_list(pull["Resource"])) == 4
    endpoints = json.dumps([e.properties["ServiceName"] for e in everything.resources("AWS::EC2::VPCEndpoint")])
    assert ".secretsmanager" in endpoints, "the credentials are read from inside"


def test_without_a_url_the_repository_waits_for_the_parameter(scenario: Scenario) -> None:
    bare = scenario("notebooks, no repository").assembly
    repository = one(bare, "AWS::SageMaker::CodeRepository", "Repository")
    assert bare.templates[STACK]["Resources"][repository.logical_id]["Condition"] == "NotebookGitUrlGiven"
    (notebook,) = bare.resources("AWS::SageMaker::NotebookInstance")
    chosen = notebook.properties["DefaultCodeRepository"]["Fn::If"]
    assert chosen[0] == "NotebookGitUrlGiven"
    assert chosen[2] == {"Ref": "AWS::NoValue"}
