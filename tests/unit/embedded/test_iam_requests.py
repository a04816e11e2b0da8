"""What a request asks of IAM."""

from botocore.session import get_session

from embedded.access.requests import asks_of
from embedded.protocol import Parsed


def test_tags_given_at_creation_ask_to_tag_and_say_for_which_call() -> None:
    request = Parsed(
        service="sagemaker",
        operation="CreateTrainingJob",
        protocol="json",
        params={"TrainingJobName": "a", "Tags": [{"Key": "project", "Value": "shardyard"}]},
        model=get_session().get_service_model("sagemaker").operation_model("CreateTrainingJob"),
    )
    (tagging,) = [a for a in asks_of(request, "123456789012", "us-east-1") if a.action == "sagemaker:AddTags"]
    assert tagging.context["sagemaker:TaggingAction"] == "CreateTrainingJob"
    assert tagging.context["aws:RequestTag/project"] == "shardyard"
    assert tagging.resources == ["arn:aws:sagemaker:us-east-1:123456789012:training-job/a"]
