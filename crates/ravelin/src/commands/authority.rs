//! `ravelin node-authority ...`.

use anyhow::bail;

use crate::{
    cli::{NodeAuthorityCommand, OperatorArguments},
    operator::{self, AuthorityLine, Request, Response},
    output::{self, OutputFormat},
};

/// `ravelin node-authority ...`.
///
/// # Errors
/// Why it did not work, for people.
pub fn node_authority(command: &NodeAuthorityCommand) -> anyhow::Result<()> {
    let (server, request) = match command {
        NodeAuthorityCommand::Show { server } => (server, Request::ShowNodeAuthority),
        NodeAuthorityCommand::Replace { overlap_days, server } => {
            (server, Request::ReplaceNodeAuthority { overlap_days: *overlap_days })
        }
    };
    let Response::NodeAuthority(authority) = operator::call(&server.data, &request)? else {
        bail!("the server answers something else");
    };
    show(server, authority)
}

fn show(server: &OperatorArguments, authority: AuthorityLine) -> anyhow::Result<()> {
    if server.output == OutputFormat::Json {
        return output::line(&serde_json::to_string_pretty(&authority)?);
    }
    let AuthorityLine { fingerprint, created_at, previous_fingerprint, previous_until } = authority;
    let row = [
        fingerprint,
        created_at,
        previous_fingerprint.unwrap_or_else(|| "-".into()),
        previous_until.unwrap_or_else(|| "-".into()),
    ];
    let columns = ["fingerprint", "made", "previous one", "trusted until"];
    output::line(&output::table(&columns, std::iter::once(row.to_vec())))
}
