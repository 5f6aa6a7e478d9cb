//! How the reference pages write what an operation's RAM check is about.

use super::Resource;

impl Resource {
    /// The resource in the notation of the reference pages: `{#accountId}` stands for the caller's account and
    /// `{#Name}` for the value of a parameter.
    pub fn notation(self, service: &str) -> String {
        let own = |resource: &str| format!("acs:{service}:*:{{#accountId}}:{resource}");
        let policy =
            || format!("{} or acs:{service}:*:system:policy/{{#PolicyName}}", own("policy/{#PolicyName}"));
        match self {
            Self::All => "All resources (*)".to_owned(),
            Self::Named { kind, parameter } => own(&format!("{kind}/{{#{parameter}}}")),
            Self::Every { kind } => own(&format!("{kind}/*")),
            Self::UserOrCaller => own("user/{#UserName}"),
            Self::Policy => policy(),
            Self::UserAndPolicy => format!("{} and ({})", own("user/{#UserName}"), policy()),
        }
    }
}
