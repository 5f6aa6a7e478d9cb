//! The policies that every account has.

/// A policy that comes with the server. It has one version, `v1`, and cannot be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SystemPolicy {
    /// Its name, as it is attached.
    pub name: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// Its document.
    pub document: &'static str,
}

/// All system policies, in the order of their names.
pub const SYSTEM_POLICIES: [SystemPolicy; 7] = [
    SystemPolicy {
        name: "AdministratorAccess",
        description: "Everything that the account's root may do.",
        document: r#"{
  "Version": "1",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": "*",
      "Resource": "*"
    }
  ]
}"#,
    },
    SystemPolicy {
        name: "AliyunENSFullAccess",
        description: "Everything in Edge Node Service.",
        document: r#"{
  "Version": "1",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": "ens:*",
      "Resource": "*"
    }
  ]
}"#,
    },
    SystemPolicy {
        name: "AliyunENSReadOnlyAccess",
        description: "Reading in Edge Node Service.",
        document: r#"{
  "Version": "1",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": ["ens:Get*", "ens:List*", "ens:Describe*"],
      "Resource": "*"
    }
  ]
}"#,
    },
    SystemPolicy {
        name: "AliyunRAMFullAccess",
        description: "Everything in resource access management: users, access keys and policies.",
        document: r#"{
  "Version": "1",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": "ram:*",
      "Resource": "*"
    }
  ]
}"#,
    },
    SystemPolicy {
        name: "AliyunRAMReadOnlyAccess",
        description: "Reading in resource access management.",
        document: r#"{
  "Version": "1",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": ["ram:Get*", "ram:List*"],
      "Resource": "*"
    }
  ]
}"#,
    },
    SystemPolicy {
        name: "RavelinFullAccess",
        description: "Everything that Edge Node Service does not have: nodes, and what is bound to them.",
        document: r#"{
  "Version": "1",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": "ravelin:*",
      "Resource": "*"
    }
  ]
}"#,
    },
    SystemPolicy {
        name: "RavelinReadOnlyAccess",
        description: "Reading, where Edge Node Service does not have it.",
        document: r#"{
  "Version": "1",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": [
        "ravelin:Get*",
        "ravelin:List*",
        "ravelin:Describe*",
        "ravelin:Preview*",
        "ravelin:Explain*"
      ],
      "Resource": "*"
    }
  ]
}"#,
    },
];

impl SystemPolicy {
    /// The system policy of this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        SYSTEM_POLICIES.iter().find(|policy| policy.name == name)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::{super::*, *};
    use crate::{account::AccountId, context::UnixMillis};

    fn allows(name: &str, action: &str) -> bool {
        let policy = SystemPolicy::find(name).expect(name);
        let document = PolicyDocument::parse(policy.document).expect(name);
        let request = AccessRequest {
            action,
            resource: ResourceName::all("ens", AccountId(1_000_000_000_000_001)),
            source_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            secure_transport: false,
            now: UnixMillis(0),
        };
        evaluate([&document], &request).is_allowed()
    }

    #[test]
    fn each_allows_what_its_name_says() {
        let table = [
            ("ens:LeaveSecurityGroup", [true, false, false, false, false, false]),
            ("ens:DescribeInstances", [true, true, false, false, false, false]),
            ("ens:ListTagResources", [true, true, false, false, false, false]),
            ("ravelin:PreviewLeaveSecurityGroup", [false, false, false, false, true, true]),
            ("ravelin:ExplainTraffic", [false, false, false, false, true, true]),
            ("ravelin:DescribeNodes", [false, false, false, false, true, true]),
            ("ravelin:BindNetworkInterface", [false, false, false, false, true, false]),
            ("ram:CreateUser", [false, false, true, false, false, false]),
            ("ram:ListUsers", [false, false, true, true, false, false]),
        ];
        let names = [
            "AliyunENSFullAccess",
            "AliyunENSReadOnlyAccess",
            "AliyunRAMFullAccess",
            "AliyunRAMReadOnlyAccess",
            "RavelinFullAccess",
            "RavelinReadOnlyAccess",
        ];
        for (action, allowed) in table {
            for (name, allowed) in names.into_iter().zip(allowed) {
                assert_eq!(allows(name, action), allowed, "{name}: {action}");
            }
            assert!(allows("AdministratorAccess", action), "{action}");
        }
        assert!(SYSTEM_POLICIES.is_sorted_by_key(|policy| policy.name));
        assert_eq!(SystemPolicy::find("AliyunOSSFullAccess"), None);
    }
}
