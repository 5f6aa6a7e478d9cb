//! The subcommands that are not the server: the operator's, the client's, the profiles'.

mod agent;
mod authority;
mod bind;
mod column;
mod configure;
mod drops;
mod flows;
mod hint;
mod lab;
mod people;
mod product;
mod reason;
mod restore;
mod table;
mod traffic;

use std::path::Path;

use anyhow::{Context as _, bail};

pub use self::{
    agent::agent,
    authority::node_authority,
    bind::{bind, unbind},
    configure::configure,
    drops::drops,
    flows::flows,
    lab::lab,
    people::{events, explain, findings, preview},
    product::{ServerAccess, ServerChoice, add_products, expand_numbered, is_product, run},
    reason::explained as reasons_explained,
    restore::restore,
};
use crate::{
    cli::{AccountCommand, OperatorArguments},
    operator::{self, Request, Response},
    output::{self, OutputFormat},
};

/// `ravelin account ...`.
///
/// # Errors
/// Why it did not work, for people.
pub fn account(command: &AccountCommand) -> anyhow::Result<()> {
    match command {
        AccountCommand::Create { name, server } => {
            let response = operator::call(&server.data, &Request::CreateAccount { name: name.clone() })?;
            show_key(server, &format!("account {name}"), name, response)
        }
        AccountCommand::ResetRootKey { account, server } => {
            let response = operator::call(&server.data, &Request::ResetRootKey { account: account.clone() })?;
            show_key(server, "the account", account, response)
        }
        AccountCommand::List { server } => {
            let Response::Accounts(accounts) = operator::call(&server.data, &Request::ListAccounts)? else {
                bail!("the server answers something else");
            };
            if server.output == OutputFormat::Json {
                return output::line(&serde_json::to_string_pretty(&accounts)?);
            }
            let rows = accounts.into_iter().map(|account| {
                vec![
                    account.account_id,
                    account.name,
                    account.created_at,
                    account.users.to_string(),
                    account.instances.to_string(),
                    account.security_groups.to_string(),
                ]
            });
            let columns = ["account id", "name", "created", "users", "instances", "security groups"];
            output::line(&output::table(&columns, rows))
        }
    }
}

/// Shows an account's new root key. `what` and `name` are how the account is called, in words and on the command line.
fn show_key(server: &OperatorArguments, what: &str, name: &str, response: Response) -> anyhow::Result<()> {
    let Response::RootKey { account_id, access_key_id, access_key_secret } = response else {
        bail!("the server answers something else");
    };
    let text = if server.output == OutputFormat::Json {
        let key = serde_json::json!({
            "AccountId": account_id, "AccessKeyId": access_key_id, "AccessKeySecret": access_key_secret,
        });
        serde_json::to_string_pretty(&key)?
    } else {
        format!(
            "Account {account_id} ({name}). Its root access key, shown this once:\n\n  export \
             RAVELIN_ACCESS_KEY_ID={access_key_id}\n  export RAVELIN_ACCESS_KEY_SECRET={access_key_secret}"
        )
    };
    output::line_once(&text, || {
        format!(
            "{what} has the new root access key {access_key_id}, but its secret could not be shown; replace it with \
             `ravelin account reset-root-key {name}`"
        )
    })
}

/// `ravelin backup`.
///
/// # Errors
/// Why it did not work, for people.
pub fn backup(data: &Path, file: &Path) -> anyhow::Result<()> {
    let file = std::path::absolute(file).context("the path of the backup cannot be made absolute")?;
    let Response::Backup { file, generation, records, bytes } =
        operator::call(data, &Request::Backup { file })?
    else {
        bail!("the server answers something else");
    };
    output::line(&format!("{}: generation {generation}, {records} records, {bytes} bytes", file.display()))
}
