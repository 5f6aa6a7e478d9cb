//! The one place where refusals become wire codes.

use model::refusal::{Kind, Refusal};

use super::{ErrorCode, Fault, Operation, error_code as code};

/// The fault that a refusal of this operation's command is answered with.
///
/// The vendor has several codes for one cause (an unknown instance has three); the operation's own list of errors
/// says which is its.
pub fn fault_of(refusal: &Refusal, operation: &Operation) -> Fault {
    let own = |candidates: &[&'static ErrorCode]| {
        let documented = candidates.iter().find(|code| operation.errors.contains(code));
        Fault::of(documented.or(candidates.first()).copied().unwrap_or(&code::INTERNAL_ERROR))
    };
    match refusal {
        Refusal::SecurityGroupNotFound => Fault::of(&code::SECURITY_GROUP_NOT_FOUND),
        Refusal::InstanceNotFound => {
            own(&[&code::INSTANCE_NOT_FOUND, &code::INSTANCE_ID_NOT_FOUND, &code::ATTACH_INSTANCE_NOT_FOUND])
        }
        Refusal::InterfaceNotFound => Fault::of(&code::INTERFACE_NOT_FOUND),
        Refusal::NetworkNotFound => Fault::of(&code::NETWORK_NOT_FOUND),
        Refusal::VSwitchNotFound => Fault::of(&code::VSWITCH_NOT_FOUND),
        Refusal::DiskNotFound => Fault::of(&code::DISK_NOT_FOUND),
        Refusal::ImageNotFound => Fault::of(&code::IMAGE_NOT_FOUND),
        Refusal::RegionNotFound => Fault::of(&code::ENS_REGION_NOT_FOUND),
        Refusal::InstanceTypeNotFound => Fault::of(&code::INSTANCE_TYPE_NOT_FOUND),
        Refusal::InstanceStatus(_) => own(&[&code::INCORRECT_INSTANCE_STATUS, &code::INVALID_ENS_STATUS]),
        Refusal::InterfaceStatus(_) => Fault::of(&code::INVALID_ENI_STATUS),
        Refusal::InterfacePrimary => Fault::of(&code::INVALID_ENI_TYPE),
        Refusal::NotAMember { .. } | Refusal::AlreadyAMember { .. } | Refusal::Unfit { .. } => {
            Fault::invalid(&refusal.to_string())
        }
        Refusal::RuleDuplicated => Fault::of(&code::RULE_DUPLICATED),
        Refusal::RuleLimit { .. } | Refusal::InterfaceRuleLimit { .. } => Fault::of(&code::RULE_LIMIT),
        Refusal::RuleNotFound => Fault::of(&code::RULE_NOT_FOUND),
        Refusal::InUse { .. } => Fault::with(&code::DEPENDENCY_VIOLATION, &refusal.to_string()),
        Refusal::Limit { kind, .. } => limit(*kind, refusal),
        Refusal::DeletionProtected => Fault::of(&code::DELETION_PROTECTED),
        Refusal::RamNotFound { kind, .. } => Fault::of(not_found(*kind)),
        Refusal::RamExists { kind, .. } => Fault::of(exists(*kind)),
        Refusal::RamDeleteConflict { kind, holds, .. } => Fault::of(conflict(*kind, *holds)),
        Refusal::DefaultPolicyVersion => Fault::of(&code::DELETE_CONFLICT_DEFAULT_VERSION),
        Refusal::NodeNotFound => Fault::of(&code::NODE_NOT_FOUND),
        Refusal::NodeStatus(_) => Fault::of(&code::INVALID_NODE_STATUS),
        Refusal::InterfaceBound { .. } => Fault::with(&code::INTERFACE_BOUND, &refusal.to_string()),
        Refusal::InterfaceNotBound(_) => Fault::with(&code::INTERFACE_NOT_BOUND, &refusal.to_string()),
        Refusal::InterfaceHosted { .. } => Fault::with(&code::INTERFACE_HOSTED, &refusal.to_string()),
        Refusal::DeviceBound { .. } => Fault::with(&code::DEVICE_BOUND, &refusal.to_string()),
        Refusal::NodeNotRegressed(_) => Fault::with(&code::NODE_NOT_REGRESSED, &refusal.to_string()),
        Refusal::NoNodeAuthority => Fault::of(&code::NO_NODE_AUTHORITY),
        // Nodes and the operator hear these themselves, and not in the RPC protocol.
        Refusal::NodeToken(_) | Refusal::NodeCertificate(_) | Refusal::OtherNodeAuthority => {
            Fault::invalid(&refusal.to_string())
        }
    }
}

fn limit(kind: Kind, refusal: &Refusal) -> Fault {
    match kind {
        Kind::GroupOfInterface => Fault::of(&code::GROUP_LIMIT),
        Kind::InterfaceOfGroup => Fault::of(&code::MEMBER_LIMIT),
        Kind::User => Fault::of(&code::LIMIT_EXCEEDED_USER),
        Kind::AccessKey => Fault::of(&code::LIMIT_EXCEEDED_ACCESS_KEY),
        Kind::Policy => Fault::of(&code::LIMIT_EXCEEDED_POLICY),
        Kind::PolicyVersion => Fault::of(&code::LIMIT_EXCEEDED_POLICY_VERSION),
        Kind::Attachment => Fault::of(&code::LIMIT_EXCEEDED_ATTACHMENT),
        _ => Fault::with(&code::QUOTA_EXCEEDED, &refusal.to_string()),
    }
}

fn not_found(kind: Kind) -> &'static ErrorCode {
    match kind {
        Kind::Policy => &code::ENTITY_NOT_EXIST_POLICY,
        Kind::PolicyVersion => &code::ENTITY_NOT_EXIST_POLICY_VERSION,
        Kind::AccessKey => &code::ENTITY_NOT_EXIST_ACCESS_KEY,
        Kind::Attachment => &code::ENTITY_NOT_EXIST_ATTACHMENT,
        _ => &code::ENTITY_NOT_EXIST_USER,
    }
}

fn exists(kind: Kind) -> &'static ErrorCode {
    match kind {
        Kind::Policy => &code::ENTITY_EXISTS_POLICY,
        Kind::Attachment => &code::ENTITY_EXISTS_ATTACHMENT,
        _ => &code::ENTITY_EXISTS_USER,
    }
}

fn conflict(kind: Kind, holds: Kind) -> &'static ErrorCode {
    match (kind, holds) {
        (Kind::Policy, Kind::PolicyVersion) => &code::DELETE_CONFLICT_POLICY_VERSION,
        (Kind::Policy, _) => &code::DELETE_CONFLICT_POLICY_USER,
        (_, Kind::Attachment) => &code::DELETE_CONFLICT_USER_POLICY,
        _ => &code::DELETE_CONFLICT_USER_ACCESS_KEY,
    }
}
