//! What is known of the difference between the catalogue and the definitions.

const STEPS: &str =
    "a public client lists groups by MaxResults and NextToken and is given all of them only so";
const AS_TEXT: &str = "the vendor types a number or truth value as text; it is the same on the wire, and other text is malformed";
const JSON_TEXT: &str = "the vendor declares JSON text as text; here the list or object in it is";
const NO_KEY: &str = "a tag without a key is none";
const NEWER: &str = "newer than the definitions, known to the vendor's Python SDK 12.1.0 alone";
const NOT_MANAGED: &str = "no instance here is of a kind that cannot have further interfaces";
const NO_SNAPSHOTS: &str = "there are no snapshots here that a release could wait for";

/// What differs on purpose: operation, difference, reason.
pub(crate) const DEVIATIONS: &[(&str, &str, &str)] = &[
    ("DescribeSecurityGroups", "parameter MaxResults: not in the definitions", STEPS),
    ("DescribeSecurityGroups", "parameter NextToken: not in the definitions", STEPS),
    ("DescribeSecurityGroups", "answer NextToken: not in the definitions", STEPS),
    ("DescribeNetworkInterfaces", "parameter PageNumber: integer, the vendor's string", AS_TEXT),
    ("DescribeNetworkInterfaces", "parameter PageSize: integer, the vendor's string", AS_TEXT),
    (
        "DescribeNetworks",
        "answer Networks.Network[].Ipv6CidrBlocks.Ipv6CidrBlock[].Ipv6CidrBlock: not in the definitions",
        NEWER,
    ),
    (
        "DescribeNetworks",
        "answer Networks.Network[].Ipv6CidrBlocks.Ipv6CidrBlock[].Ipv6Isp: not in the definitions",
        NEWER,
    ),
    (
        "DescribeNetworks",
        "answer Networks.Network[].Ipv6CidrBlocks.Ipv6CidrBlock[].Type: not in the definitions",
        NEWER,
    ),
    ("DescribeVSwitches", "answer VSwitches.VSwitch[].Ipv6CidrBlock: not in the definitions", NEWER),
    ("CreateInstance", "parameter AutoRenew: boolean, the vendor's string", AS_TEXT),
    ("CreateInstance", "parameter AutoRenewPeriod: integer, the vendor's string", AS_TEXT),
    ("CreateInstance", "parameter DataDisk[].Size: integer, the vendor's string", AS_TEXT),
    ("CreateInstance", "parameter Quantity: integer, the vendor's string", AS_TEXT),
    ("CreateInstance", "parameter SystemDisk.Size: integer, the vendor's string", AS_TEXT),
    ("DescribeImages", "parameter PageNumber: integer, the vendor's string", AS_TEXT),
    ("DescribeImages", "parameter PageSize: integer, the vendor's string", AS_TEXT),
    ("RebootInstance", "parameter ForceStop: boolean, the vendor's string", AS_TEXT),
    ("StopInstance", "parameter ForceStop: boolean, the vendor's string", AS_TEXT),
    ("DescribeImageInfos", "answer Images.Image[].ImageOwnerAlias: not in the definitions", NEWER),
    (
        "DescribeInstanceTypes",
        "answer InstanceTypes.InstanceType[].InstanceType: not in the definitions",
        NEWER,
    ),
    ("DescribeInstances", "parameter EnsRegionIds: Json, the vendor's Plain", JSON_TEXT),
    ("DescribeInstances", "parameter EnsRegionIds: array, the vendor's string", JSON_TEXT),
    ("DescribeInstances", "parameter InstanceIds: Json, the vendor's Plain", JSON_TEXT),
    ("DescribeInstances", "parameter InstanceIds: array, the vendor's string", JSON_TEXT),
    ("DescribeInstances", "parameter OrderByParams: Json, the vendor's Plain", JSON_TEXT),
    ("DescribeInstances", "parameter OrderByParams: object, the vendor's string", JSON_TEXT),
    ("DescribeInstances", "parameter OrderByParams.CreationTimeSort: not in the definitions", JSON_TEXT),
    ("DescribeInstances", "parameter OrderByParams.EnsRegionId: not in the definitions", JSON_TEXT),
    ("DescribeInstances", "parameter OrderByParams.ExpireTimeSort: not in the definitions", JSON_TEXT),
    ("DescribeInstances", "parameter OrderByParams.InstanceNameSort: not in the definitions", JSON_TEXT),
    ("DescribeInstances", "parameter PageSize: integer, the vendor's string", AS_TEXT),
    ("RunInstances", "parameter Tag[].Key: required true, the vendor's false", NO_KEY),
    ("CreateNetwork", "parameter Tag[].Key: required true, the vendor's false", NO_KEY),
    ("CreateVSwitch", "parameter Tag[].Key: required true, the vendor's false", NO_KEY),
    ("ListTagResources", "parameter Tag[].Key: required true, the vendor's false", NO_KEY),
    ("AttachNetworkInterface", "error InvalidOperation.InstanceNotSupport: not documented", NOT_MANAGED),
    ("ReleasePostPaidInstance", "error DependencyViolation.Snapshot: not documented", NO_SNAPSHOTS),
];

/// The operations that were gathered and are not served.
pub(crate) const NOT_SERVED: &[&str] = &[
    "AccosicateNetworkAcl",
    "AddNetworkInterfaceToInstance",
    "CreateNetworkAcl",
    "CreateNetworkAclEntry",
    "DeleteNetworkAcl",
    "DeleteNetworkAclEntry",
    "DescribeEnsRegionIdResource",
    "DescribeEnsResourceUsage",
    "DescribeNetworkAcls",
    "DescribeSelfImages",
    "ListProductAbilities",
    "ModifyInstanceNetworkAttribute",
    "ResetDisk",
    "UnassociateNetworkAcl",
];

/// The operations that the service is for.
pub(crate) const PROMISED: &[&str] = &[
    // Security groups.
    "CreateSecurityGroup",
    "DeleteSecurityGroup",
    "DescribeSecurityGroups",
    "DescribeSecurityGroupAttribute",
    "ModifySecurityGroupAttribute",
    "AuthorizeSecurityGroup",
    "AuthorizeSecurityGroupEgress",
    "RevokeSecurityGroup",
    "RevokeSecurityGroupEgress",
    "CreateSecurityGroupPermissions",
    "DeleteSecurityGroupPermissions",
    "JoinSecurityGroup",
    "LeaveSecurityGroup",
    // Instances.
    "RunInstances",
    "CreateInstance",
    "DescribeInstances",
    "StartInstance",
    "StartInstances",
    "StopInstance",
    "StopInstances",
    "RebootInstance",
    "RebootInstances",
    "ReinitInstance",
    "ReinitInstances",
    "ReInitDisk",
    "ModifyInstanceAttribute",
    "ReleaseInstance",
    "ReleasePostPaidInstance",
    "ReleasePrePaidInstance",
    "DescribeInstanceTypes",
    "DescribeInstanceSpec",
    "DescribeImages",
    "DescribeImageInfos",
    "DescribeEnsRegions",
    "DescribeRegionIsps",
    // Network interfaces.
    "CreateNetworkInterface",
    "DeleteNetworkInterfaces",
    "AttachNetworkInterface",
    "DetachNetworkInterface",
    "ModifyNetworkInterfaceAttribute",
    "DescribeNetworkInterfaces",
    "AssignPrivateIpAddresses",
    "UnassignPrivateIpAddresses",
    // Networks, vSwitches, tags.
    "CreateNetwork",
    "DeleteNetwork",
    "DescribeNetworks",
    "DescribeNetworkAttribute",
    "ModifyNetworkAttribute",
    "CreateVSwitch",
    "DeleteVSwitch",
    "DescribeVSwitches",
    "DescribeVSwitchAttributes",
    "ModifyVSwitchAttribute",
    "TagResources",
    "UntagResources",
    "ListTagResources",
];
