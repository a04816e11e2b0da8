"""What moto answers otherwise than AWS, operation by operation: found by a test, each kind with its reason.

Whatever is new fails the test, and so does a row that is no longer true.
"""

BREAKS: dict[str, str] = {
    "budgets": "DescribeNotificationsForBudget",
    "cloudtrail": "GetInsightSelectors PutInsightSelectors",
    "ec2": (
        "AcceptTransitGatewayPeeringAttachment AllocateHosts AssociateTransitGatewayRouteTable "
        "CancelSpotFleetRequests CancelSpotInstanceRequests CreateTransitGatewayPeeringAttachment "
        "CreateTransitGatewayRoute DeleteFleets DeleteManagedPrefixList DeleteNatGateway DeleteTransitGateway "
        "DeleteTransitGatewayPeeringAttachment DeleteTransitGatewayRoute DeleteTransitGatewayRouteTable "
        "DeleteTransitGatewayVpcAttachment DescribeImageAttribute DisableTransitGatewayRouteTablePropagation "
        "DisassociateTransitGatewayRouteTable EnableTransitGatewayRouteTablePropagation "
        "ModifyEbsDefaultKmsKeyId ModifyHosts ModifyManagedPrefixList ModifySecurityGroupRules "
        "ModifySpotFleetRequest ModifyTrafficMirrorSession ModifyTransitGateway "
        "ModifyTransitGatewayVpcAttachment RejectTransitGatewayPeeringAttachment ReleaseHosts "
        "ReplaceNetworkAclAssociation RequestSpotFleet"
    ),
    "ecr": "PutImage PutRegistryScanningConfiguration",
    "events": "PutPartnerEvents",
    "iam": "CreateServiceLinkedRole",
    "kms": "CreateGrant GenerateRandom ListGrants RetireGrant RevokeGrant",
    "logs": "GetQueryResults PutDeliveryDestination PutDeliverySource StartQuery",
    "s3": (
        "CreateBucketMetadataConfiguration CreateBucketMetadataTableConfiguration PutBucketAcl "
        "PutBucketLifecycle PutBucketLifecycleConfiguration"
    ),
    "sagemaker": (
        "CreateCluster CreateFeatureGroup CreateModelExplainabilityJobDefinition "
        "CreateModelQualityJobDefinition DescribeExperiment DescribeFeatureGroup"
    ),
    "secretsmanager": "ReplicateSecretToRegions TagResource",
    "sns": "DeletePlatformApplication",
    "ssm": "DeletePatchBaseline GetPatchBaselineForPatchGroup",
    "stepfunctions": "DescribeMapRun TagResource UpdateMapRun",
}
"""By service: the operations that break on the least request that the model allows.

moto raises an exception of its own, which the front turns into an InternalFailure that names it. AWS refuses with one
of the operation's errors, mostly because the thing that is named is not there.
"""

TOO_LITTLE: dict[str, str] = {"s3": "PutBucketInventoryConfiguration"}
"""By service: the operations that break on a request without what it must have.

Of these a part of the address is missing, so that nothing tells which operation is meant.
"""

OTHER_CODE: dict[str, str] = {
    "cloudwatch": "DeleteDashboards=ResourceNotFound",
}
"""By service: operation=code, where the operation's model has no such error."""

ACCEPTS: dict[str, str] = {"lambda": "GetLayerVersionByArn"}
"""By service: the operations that take a request without what it must have; AWS takes none."""
