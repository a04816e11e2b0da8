"""What the security packs find and this project accepts, each with a reason that stands in a review.

One entry covers a rule in all packs (the name without the pack's prefix) for the constructs whose path matches.
Write the narrowest path that is true. An entry that covers nothing fails `make check`.
"""

from checks.nag.acknowledgement import Acknowledgement

_FUNCTIONS = "**/Resource"
_DEAD_BRANCH = (
    "The validator tries the parameter's empty default in the branch of Fn::If that is only taken when it is not empty."
)
_NO_RESOURCE = r"Resource::\*"
_JOBS = "training-job|processing-job|transform-job|hyper-parameter-tuning-job|automl-job"
_IN_THE_NETWORK = r"Resource::arn:.*:ec2:.*:(network-interface/\*|\*:(subnet|security-group)/.+)"

ACKNOWLEDGEMENTS: tuple[Acknowledgement, ...] = (
    # Functions
    Acknowledgement(
        rule="L1",
        where=_FUNCTIONS,
        reason="python3.13 gets security patches until 2029; all functions move to a newer runtime together, after "
        "the tests ran on it.",
    ),
    Acknowledgement(
        rule="LambdaConcurrency",
        where=_FUNCTIONS,
        reason="A reserved share would come out of the account's concurrency, which is 10 in a new account, and the "
        "deploy would fail. The functions are called by deploys, job events and schedules, not by the public.",
    ),
    Acknowledgement(
        rule="LambdaDLQ",
        where=_FUNCTIONS,
        reason="A lost call is seen: custom resources answer their stack and state machines their caller. An event "
        "that a function failed on twice only costs one message, and the failure stands in its encrypted log.",
    ),
    Acknowledgement(
        rule="LambdaInsideVPC",
        where=_FUNCTIONS,
        reason="The functions call AWS APIs alone and hold no data. Inside the isolated VPC each would need interface "
        "endpoints that bill by the hour, and gain no protection.",
    ),
    # Storage
    Acknowledgement(
        rule="S3BucketReplicationEnabled",
        where="storage/Storage/*",
        reason="Training data has its source elsewhere, artifacts are made again by a run, and S3 keeps each object in "
        "three zones. Copies in a second region double the cost and are the owner's choice.",
    ),
    Acknowledgement(
        rule="S3DefaultEncryptionKMS",
        where="storage/Storage/Logs",
        reason="S3 delivers access logs only to a bucket with S3's own encryption. The bucket is private, TLS only and "
        "versioned.",
    ),
    Acknowledgement(
        rule="IAM5",
        where="storage/Storage/EmptyBucket/Policy",
        about=r"Resource::<Storage\w+\.Arn>/\*",
        reason="Emptying a bucket means deleting every object in it. The role reaches the three buckets of this stage "
        "alone, exists in dev only, and the handler touches a bucket only while it carries the tag.",
    ),
    # Network
    Acknowledgement(
        rule="EC2RestrictedCommonPorts",
        where="network/Network/Training/FromItself",
        reason="The rule's source is the group itself: nodes of one job reach each other on any port, as EFA and NCCL "
        "need. Nothing from outside the group comes in.",
    ),
    Acknowledgement(
        rule="VPCDefaultSecurityGroupClosed",
        where="network/Network/Vpc",
        reason="The handler default_security_group takes every rule out of it on deploy; no property of the VPC can.",
    ),
    Acknowledgement(
        rule="IAM5",
        where="network/Network/DefaultSecurityGroup/Policy",
        about=_NO_RESOURCE,
        reason="ec2:DescribeSecurityGroups takes no resource; the rules are revoked on the one group alone.",
    ),
    # Images
    Acknowledgement(
        rule="IAM5",
        where="registry/Builder/BuildPolicy",
        about=_NO_RESOURCE,
        reason="ecr:GetAuthorizationToken takes no resource; the repositories are named for every other action.",
    ),
    Acknowledgement(
        rule="IAM5",
        where="registry/Builder/BuildPolicy",
        about=r"Resource::arn:.*:s3:::cdk-\*-assets-.*/\*",
        reason="The bootstrap's bucket of assets in this account and region, whose qualifier is the account's own; a "
        "build reads the source that the deploy has just put there.",
    ),
    Acknowledgement(
        rule="CodeBuildProjectSourceRepoUrl",
        where="registry/Builder/*",
        reason="The project has no repository as its source: each build is told the deploy's own asset in S3.",
    ),
    # Identity
    Acknowledgement(
        rule="IAM5",
        where="identity/Identity/*Policy",
        about=_NO_RESOURCE,
        reason="These actions take no resource: ecr:GetAuthorizationToken, cloudwatch:PutMetricData (its namespace is "
        "a condition), the list and describe calls, ec2:DeleteNetworkInterfacePermission.",
    ),
    Acknowledgement(
        rule="IAM5",
        where="identity/Identity/*Policy",
        about=r"Resource::[\w-]+-storage:ExportsOutput\w+(/\w+)?/\*",
        reason="Objects under the documented prefixes of this stage's own two buckets; keys of objects are unknown at "
        "deploy.",
    ),
    Acknowledgement(
        rule="IAM5",
        where="identity/Identity/*Policy",
        about=r"Resource::arn:.*:log-group:/aws/(sagemaker/\w+|codebuild/[\w-]+\*):\*",
        reason="Log streams of the groups into which SageMaker and CodeBuild write; the services choose the names.",
    ),
    Acknowledgement(
        rule="IAM5",
        where="identity/Identity/*Policy",
        about=_IN_THE_NETWORK,
        reason="Ids of interfaces are unknown before they exist; they are made in the named subnets alone, and a "
        "condition keeps every other action to these. Subnets and groups of an existing VPC are named by their ids; "
        "their ARNs carry the number of the account that owns them, which may share them with this one.",
    ),
    Acknowledgement(
        rule="IAM5",
        where="identity/Identity/NotebookPolicy",
        about=r"Resource::arn:.*:(stateMachine|execution|notebook-instance)[:/][\w-]+-(dev|prod)-\*(:\*)?",
        reason="State machines, executions and notebooks of this project and stage, which share its prefix.",
    ),
    Acknowledgement(
        rule="IAM5",
        where="identity/Identity/NotebookPolicy",
        about=r"Resource::arn:.*:(training-job|hyper-parameter-tuning-job|training-plan|reserved-capacity)/\*",
        reason="A person names a training job, or a search, which is only read. A job is only made with this project's "
        "tags and only stopped while it carries them; what it may do is bounded by the training role, the only role "
        "that this one may pass.",
    ),
    # Notebooks
    Acknowledgement(
        rule="SMG4",
        where="identity/GitSecret/Resource",
        reason="The secret holds a token that the git host issues; only a person can renew it there.",
    ),
    Acknowledgement(
        rule="SecretsManagerRotationEnabled",
        where="identity/GitSecret/Resource",
        reason="The secret holds a token that the git host issues; only a person can renew it there.",
    ),
    # Observability
    Acknowledgement(
        rule="IAM5",
        where="observability/JobWatch/*/Policy",
        about=_NO_RESOURCE,
        reason="cloudwatch:PutMetricData (its namespace is a condition), cloudwatch:GetMetricData and the lists of "
        "jobs take no resource.",
    ),
    Acknowledgement(
        rule="IAM5",
        where="observability/JobWatch/Watchdog/Policy",
        about=r"Resource::arn:.*:((training|processing)-job/\*|log-group:/aws/sagemaker/(Training|Processing)Jobs:\*)",
        reason="The watchdog looks at every running job, whose names are unknown at deploy. It reads, and stops a "
        "training job that has been silent for longer than its own guards allow.",
    ),
    # Endpoints
    Acknowledgement(
        rule="IAM5",
        where="serving-*/Endpoint/Policy",
        about=rf"({_NO_RESOURCE}|{_IN_THE_NETWORK}|Resource::arn:.*:log-group:/aws/sagemaker/Endpoints/[\w-]+:\*)",
        reason="ecr:GetAuthorizationToken, cloudwatch:PutMetricData (its namespace is a condition) and EC2's describe "
        "calls take no resource; network interfaces have no names before they are made (the subnet is a condition), "
        "and SageMaker names the streams of the endpoint's own log group.",
    ),
    # Quotas
    Acknowledgement(
        rule="IAM5",
        where="quotas/Requester/Function/Policy",
        about=_NO_RESOURCE,
        reason="The lists take no resource.",
    ),
    Acknowledgement(
        rule="IAM5",
        where="quotas/Requester/Function/Policy",
        about=r"Resource::arn:.*:servicequotas:.*:[a-z0-9-]+/\*",
        reason="A quota's code is unknown before the list is read; only the services that the settings name are asked.",
    ),
    # Training: what all jobs share
    Acknowledgement(
        rule="IAM5",
        where="training/Runtime/*/Policy",
        about=_NO_RESOURCE,
        reason="The list and describe calls of SageMaker, Service Quotas, Pricing and EC2, and "
        "cloudwatch:PutMetricData (its namespace is a condition), take no resource.",
    ),
    Acknowledgement(
        rule="IAM5",
        where="training/Runtime/*/Policy",
        about=rf"Resource::arn:.*:({_JOBS}|model|model-package|model-package-group)/\*",
        reason="Names of jobs, of models and of the packages made of them are unknown at deploy; the functions act on "
        "the job that their state machine names.",
    ),
    Acknowledgement(
        rule="IAM5",
        where="training/Runtime/*/Policy",
        about=r"Resource::[\w-]+-storage:ExportsOutput\w+/((ledger|runs|source|quotas)/)?\*(/receipt\.json)?",
        reason="Preflight counts objects, keeps the quota codes it found and enters launches in the ledger, the "
        "receipt lies beside the model, and registering reads the model: run ids and keys are unknown at deploy.",
    ),
    Acknowledgement(
        rule="IAM5",
        where="training/Runtime/*/Policy",
        about=r"Resource::arn:.*:repository/\*",
        reason="Asks whether an image exists, for its digest and for what it says of itself; a job may name any "
        "repository. Nothing is run.",
    ),
    Acknowledgement(
        rule="IAM5",
        where="training/Runtime/Source/Policy",
        about=r"Resource::arn:.*:s3:::cdk-\*-assets-.*",
        reason="Code and the launcher come from the bucket of CDK's bootstrap, whose qualifier is its own affair; the "
        "name ends with this account and region, and the function only reads.",
    ),
    Acknowledgement(
        rule="IAM5",
        where="training/LaunchByTag/*",
        about=r"Resource::(\*|[\w-]+-storage:ExportsOutput\w+/(runs/\*(/(about\.json|source\.diff))?|source/\*)|"
        r"arn:.*(-(dev|prod)[\w-]*[-:/]\*.*|"
        rf"({_JOBS})/\*|(Training|Processing|Transform)Jobs:\*))",
        reason="For people's roles: runs, their code and executions of this project and stage, whose ids are unknown "
        "at deploy; jobs and their logs are only read, and the calls on `*` take no resource. A launch and a "
        "stop stand under a condition on the caller's tag.",
    ),
    Acknowledgement(
        rule="IAM5",
        where="training/Runtime/Submit/Policy",
        about=r"Resource::arn:.*:role/[\w-]+-(dev|prod)/jobs/\*",
        reason="Each job has its own execution role, and they alone lie under this path; a condition lets them be "
        "passed to SageMaker alone.",
    ),
    Acknowledgement(
        rule="IAM5",
        where="training/Sweeper/Function/Policy",
        about=_NO_RESOURCE,
        reason="The lists of SageMaker and of tags, and CloudWatch's statistics, take no resource.",
    ),
    Acknowledgement(
        rule="IAM5",
        where="training/Sweeper/Function/Policy",
        about=r"Resource::arn:.*:(endpoint|notebook-instance|" + _JOBS + r")/\*",
        reason="It looks for what nobody remembers, so names are unknown. It reads tags of all, and stops only what "
        "carries this project's and stage's tags: that is a condition of the statements that stop.",
    ),
    # Training: each job
    Acknowledgement(
        rule="IAM5",
        where="*/*/Policy",
        about=r"Resource::[\w-]+-storage:ExportsOutput\w+/(runs/\*|checkpoints|[\w.=-]+)(/[\w.=-]+)*[/-]\*",
        reason="Objects under the job's own prefixes: its channels, its checkpoints, its attempts in every run. Run "
        "ids and keys are unknown at deploy.",
    ),
    *(
        Acknowledgement(rule="IAM5", where=f"training/Runtime/{kind}*", about=about, reason=reason)
        for kind in ("Training", "Processing", "Transform")
        for about, reason in (
            (
                rf"Resource::arn:.*:log-group:/aws/sagemaker/{kind}Jobs:\*",
                "Log streams of the group into which SageMaker writes for every job; the service chooses the names.",
            ),
            (
                _IN_THE_NETWORK,
                "Ids of interfaces are unknown before they exist; a condition keeps them in the project's subnets, "
                "which are named by id, and whose account another may be that shares them with this one.",
            ),
            (
                _NO_RESOURCE,
                "ecr:GetAuthorizationToken, cloudwatch:PutMetricData (its namespace is a condition) and the "
                "describe calls of EC2 take no resource.",
            ),
        )
    ),
    Acknowledgement(
        rule="IAM5",
        where="training/*/Search/MachinePolicy",
        about=r"Resource::arn:.*:execution:[\w-]+:\*",
        reason="A search launches the job itself once more and waits for it: an execution of that one machine, whose "
        "name is chosen then.",
    ),
    Acknowledgement(
        rule="IAM5",
        where="training/*/MachinePolicy",
        about=r"Resource::arn:.*:model/\*",
        reason="Each launch of a transform job makes a model of its own and deletes it; its name holds the run id.",
    ),
    Acknowledgement(
        rule="IAM5",
        where="training/Runtime/LaunchPolicy",
        about=_NO_RESOURCE,
        reason="Log deliveries and trace records take no resource; Step Functions documents these actions for logging.",
    ),
    Acknowledgement(
        rule="IAM5",
        where="training/Runtime/LaunchPolicy",
        about=rf"Resource::arn:.*:({_JOBS})/\*",
        reason="What Step Functions' .sync integration documents; a job's name holds its run id, unknown at deploy.",
    ),
    # CDK's own validator puts a parameter's default, the empty text, into the branch that is only taken when the
    # parameter is not empty. AllowedPattern holds that branch's values to what the property takes.
    *(
        Acknowledgement(rule=rule, where=where, about=about, reason=_DEAD_BRANCH)
        for rule, where, about in (
            ("F3012", "observability/Budget/Resource", r"Budget\.BudgetLimit\.Amount: '' .*"),
            ("F3031", "notebooks/Repository/Resource", r"GitConfig\.\w+: '' .*"),
            ("F3033", "notebooks/Repository/Resource", r"GitConfig\.\w+: length 0 .*"),
            ("W3030", "notebooks/Notebook-*/Resource", r"InstanceType: '' \(from Fn::If .*"),
        )
    ),
    Acknowledgement(
        rule="W9003",
        where="observability/Budget/Resource",
        reason="Both branches of Fn::If are texts, as all references are; CloudFormation makes a number of them.",
    ),
)
