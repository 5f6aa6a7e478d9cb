//! The releases of the API: what each brought.
//!
//! A new operation is added to a release here as well; a test compares the two.

use super::Product;

/// One release of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release {
    /// Its version: that of the program which brought it.
    pub version: &'static str,
    /// Its date, `YYYY-MM-DD`.
    pub date: &'static str,
    /// What it is about.
    pub summary: &'static str,
    /// The operations that it added, by product, in the order of the catalogue.
    pub added: &'static [(Product, &'static [&'static str])],
}

/// Every release, the newest first.
pub const RELEASES: &[Release] = &[Release {
    version: "0.1.0",
    date: "2026-11-22",
    summary: "The first release: security groups with their rules and members, instances, network interfaces, networks, \
              vSwitches and tags; nodes and what is bound to them; users, access keys and policies to manage who may do what; the caller's identity.",
    added: &[
        (Product::Ens, FIRST_ENS),
        (Product::Ram, FIRST_RAM),
        (Product::Sts, FIRST_STS),
        (Product::Ravelin, FIRST_RAVELIN),
    ],
}];

const FIRST_ENS: &[&str] = &[
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
    "CreateNetworkInterface",
    "DeleteNetworkInterfaces",
    "AttachNetworkInterface",
    "DetachNetworkInterface",
    "ModifyNetworkInterfaceAttribute",
    "DescribeNetworkInterfaces",
    "AssignPrivateIpAddresses",
    "UnassignPrivateIpAddresses",
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

const FIRST_RAM: &[&str] = &[
    "CreateUser",
    "GetUser",
    "UpdateUser",
    "DeleteUser",
    "ListUsers",
    "CreateAccessKey",
    "UpdateAccessKey",
    "DeleteAccessKey",
    "ListAccessKeys",
    "CreatePolicy",
    "GetPolicy",
    "DeletePolicy",
    "ListPolicies",
    "UpdatePolicyDescription",
    "CreatePolicyVersion",
    "GetPolicyVersion",
    "DeletePolicyVersion",
    "ListPolicyVersions",
    "SetDefaultPolicyVersion",
    "AttachPolicyToUser",
    "DetachPolicyFromUser",
    "ListPoliciesForUser",
    "ListEntitiesForPolicy",
];

const FIRST_STS: &[&str] = &["GetCallerIdentity"];

const FIRST_RAVELIN: &[&str] = &[
    "TransferInstance",
    "CreateNodeToken",
    "DescribeNodes",
    "RevokeNodeCertificate",
    "DeleteNode",
    "BindNetworkInterface",
    "UnbindNetworkInterface",
    "DescribeNetworkInterfaceBindings",
    "ModifyNetworkInterfaceEnforcement",
    "ReadmitNode",
    "DescribeEnforcement",
    "DescribeAccountEnforcement",
    "ModifyAccountEnforcement",
    "PreviewLeaveSecurityGroup",
    "PreviewJoinSecurityGroup",
    "PreviewAuthorizeSecurityGroup",
    "PreviewAuthorizeSecurityGroupEgress",
    "PreviewRevokeSecurityGroup",
    "PreviewRevokeSecurityGroupEgress",
    "PreviewCreateSecurityGroupPermissions",
    "PreviewDeleteSecurityGroupPermissions",
    "ExplainTraffic",
    "ListFindings",
    "ListEvents",
    "DescribeStateAt",
    "DescribeNetworkInterfaceFlows",
    "DescribeNetworkInterfaceDrops",
    "DescribeNetworkInterfaceCounters",
    "ListSecurityGroups",
    "ListNetworks",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::catalogue;

    #[test]
    fn the_releases_name_exactly_the_operations_of_the_catalogue() {
        let added = || RELEASES.iter().flat_map(|release| release.added.iter());
        let named: Vec<_> =
            added().flat_map(|(product, names)| names.iter().map(move |name| (*product, *name))).collect();
        let noted: BTreeSet<_> = named.iter().copied().collect();
        let there: BTreeSet<_> =
            catalogue::all().map(|operation| (operation.product, operation.name)).collect();
        let unknown: Vec<_> = noted.difference(&there).collect();
        assert!(unknown.is_empty(), "noted, but not in the catalogue: {unknown:?}");
        let unnoted: Vec<_> = there.difference(&noted).collect();
        assert!(unnoted.is_empty(), "in the catalogue, but not noted: {unnoted:?}");
        assert_eq!(named.len(), noted.len(), "an operation is noted twice");
    }

    #[test]
    fn the_newest_release_stands_first() {
        assert!(RELEASES.is_sorted_by(|newer, older| newer.date >= older.date));
    }
}
