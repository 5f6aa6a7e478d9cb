//! `ravelin ens`, `ram`, `sts`, `api`: the operations of the catalogue as commands, with the grammar of the vendor's
//! command line: `ravelin ens LeaveSecurityGroup --SecurityGroupId sg-... --InstanceId i-...`.

use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command, builder::PossibleValuesParser};
use wire::catalogue::{self, Encoding, Kind, Operation, Parameter, Product};

use super::{hint, table};
use crate::{
    cli::value,
    client::{Client, Reply, Trust, profile},
    output::{self, Mark, OutputFormat},
};

/// The server answered an error of the caller's making.
const EXIT_REFUSED: u8 = 3;
/// The server answered that it failed.
const EXIT_SERVER_FAILED: u8 = 4;
/// The change is made, and not every node that it concerns has confirmed it in time.
const EXIT_NOT_CONFIRMED: u8 = 7;

pub(super) const EXIT_CODES: &str = "Exit codes: 0 it was done; 1 the server cannot be reached, or the command failed here; 2 the \
                          command line is wrong; 3 the server refused; 4 the server failed; 7 the change is made, but a node that it concerns has \
                          not confirmed it in time (--wait).";

pub(super) const ENVIRONMENT: &str = "Environment:\n  RAVELIN_ACCESS_KEY_ID      the access key's id\n  \
                           RAVELIN_ACCESS_KEY_SECRET  the access key's secret\n  RAVELIN_PROFILE            the \
                           profile to use, where --profile names none\n  RAVELIN_ENDPOINT           the server's \
                           address\n  RAVELIN_CA_CERTIFICATE     a PEM file with the certificates to trust";

/// What the command of a product is for.
fn about(product: Product) -> &'static str {
    match product {
        Product::Ens => "Call an operation of Edge Node Service: instances, networks, security groups",
        Product::Ram => "Call an operation of resource access management: users, access keys, policies",
        Product::Sts => "Call an operation of the security token service: who am I?",
        Product::Ravelin => "Call an operation that ENS does not have",
    }
}

/// The product of a command.
fn product_of(command: &str) -> Option<Product> {
    Product::ALL.into_iter().find(|product| product.subcommand() == command)
}

/// Whether the command is a product.
pub fn is_product(name: &str) -> bool {
    product_of(name).is_some()
}

/// Adds a command for each product, with a command for each of its operations.
pub fn add_products(command: Command) -> Command {
    Product::ALL.into_iter().fold(command, |command, product| {
        let operations =
            catalogue::all().filter(|operation| operation.product == product).map(operation_command);
        command.subcommand(
            Command::new(product.subcommand())
                .about(about(product))
                .subcommand_required(true)
                .arg_required_else_help(true)
                .subcommand_value_name("Operation")
                .subcommand_help_heading("Operations")
                .disable_help_subcommand(true)
                .after_help(format!("{ENVIRONMENT}\n\n{EXIT_CODES}"))
                .args(common_arguments())
                .subcommands(operations),
        )
    })
}

fn common_arguments() -> Vec<Arg> {
    let heading = "Which server, as whom";
    vec![
        Arg::new("profile")
            .long("profile")
            .value_name("NAME")
            .help("The profile to use; see `ravelin configure` [env: RAVELIN_PROFILE]"),
        Arg::new("endpoint")
            .long("endpoint")
            .value_name("URL")
            .help("The server's address [env: RAVELIN_ENDPOINT] [default: http://127.0.0.1:8017]"),
        Arg::new("ca-certificate")
            .long("ca-certificate")
            .value_name("FILE")
            .help("Trust the certificates of this PEM file [env: RAVELIN_CA_CERTIFICATE]"),
        Arg::new("insecure")
            .long("insecure")
            .action(ArgAction::SetTrue)
            .help("Trust any certificate; for trying things out"),
        Arg::new("output")
            .long("output")
            .short('o')
            .value_name("FORMAT")
            .value_parser(PossibleValuesParser::new(["json", "table"]))
            .default_value("json")
            .help("How to print the answer"),
    ]
    .into_iter()
    .map(|argument| argument.global(true).help_heading(heading))
    .collect()
}

fn operation_command(operation: &'static Operation) -> Command {
    let mut about = format!("{}\n", operation.summary);
    if !operation.description.is_empty() {
        about.push_str(&format!("\n{}\n", operation.description));
    }
    about.push_str(&format!("\nRAM action: {} ({})", operation.ram.action, operation.ram.access.name()));
    let wait = Arg::new("wait")
        .long("wait")
        .value_name("SECONDS")
        .value_parser(value::wait_seconds)
        .help("Wait until the nodes that the change concerns have confirmed it, for so many seconds at most")
        .long_help(
            "Wait until the nodes that the change concerns have confirmed it, for so many seconds at most, up to 60. \
             Where they have not by then the answer is ens.interface.error, which names them; the change stays made, and the exit code is 7. \
             Without it the settings of the account and of the server say how long",
        );
    Command::new(operation.name)
        .about(operation.summary)
        .long_about(about)
        .args(operation.parameters.iter().map(argument))
        .args(operation.handler.mutates().then_some(wait))
        .arg(
            Arg::new("parameter")
                .long("parameter")
                .value_name("NAME=VALUE")
                .action(ArgAction::Append)
                .help("Any parameter by its name on the wire, such as Tag.1.Key=role"),
        )
        .after_help(example(operation))
}

fn argument(parameter: &'static Parameter) -> Arg {
    let mut help = parameter.summary.to_owned();
    let constraint = parameter.kind.constraint();
    if !constraint.is_empty() {
        help.push_str(&format!(" ({constraint})"));
    }
    if let Kind::Objects { fields, .. } | Kind::Object { fields, .. } = parameter.kind {
        let names: Vec<&str> = fields.iter().map(|field| field.name).collect();
        help.push_str(&format!(". Fields: {}", names.join(", ")));
    }
    Arg::new(parameter.name)
        .long(parameter.name)
        .value_name(parameter.kind.type_name())
        .help(help.replace('`', ""))
        .help_heading(if parameter.required { "Required parameters" } else { "Parameters" })
        .allow_hyphen_values(true)
}

fn example(operation: &'static Operation) -> String {
    let mut text = format!("Example: {}\n\n", wire::reference::command(operation));
    for parameter in operation.parameters {
        let (fields, prefix) = match parameter.kind {
            Kind::Objects { fields, encoding: Encoding::Numbered, .. } => {
                (fields, format!("{}.1", parameter.name))
            }
            Kind::Object { fields, encoding: Encoding::Dotted } => (fields, parameter.name.to_owned()),
            _ => continue,
        };
        let names: Vec<String> = fields.iter().map(|field| format!("--{prefix}.{}", field.name)).collect();
        let more = if prefix.ends_with(".1") { "; the second one with .2, and so on" } else { "" };
        text.push_str(&format!("{} is given by its fields: {}{more}.\n\n", parameter.name, names.join(", ")));
    }
    text.push_str(&format!("{ENVIRONMENT}\n\n{EXIT_CODES}"));
    text
}

/// Turns arguments such as `--Tag.1.Key role`, of which there is no end, into `--parameter Tag.1.Key=role`.
pub fn expand_numbered(arguments: impl Iterator<Item = std::ffi::OsString>) -> Vec<std::ffi::OsString> {
    let mut expanded = Vec::new();
    let mut arguments = arguments.peekable();
    while let Some(argument) = arguments.next() {
        let name = argument.to_str().and_then(|text| text.strip_prefix("--")).filter(|text| {
            let name = text.split('=').next().unwrap_or_default();
            name.contains('.') && name.starts_with(|c: char| c.is_ascii_uppercase())
        });
        let Some(name) = name else {
            expanded.push(argument);
            continue;
        };
        let pair = match (name.contains('='), arguments.peek()) {
            (false, Some(value)) => {
                let mut pair = std::ffi::OsString::from(format!("{name}="));
                pair.push(value);
                arguments.next();
                pair
            }
            _ => name.into(),
        };
        expanded.extend(["--parameter".into(), pair]);
    }
    expanded
}

/// Calls the operation that the command line names.
///
/// # Errors
/// The server cannot be reached, or the command line is wrong.
pub fn run(product: &str, matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let Some(product) = product_of(product) else { return Ok(ExitCode::from(2)) };
    let Some((name, arguments)) = matches.subcommand() else { return Ok(ExitCode::from(2)) };
    let Some(operation) = catalogue::find(product, name) else { return Ok(ExitCode::from(2)) };
    let text = |name: &str| arguments.get_one::<String>(name).cloned();
    let choice = ServerChoice {
        access: ServerAccess {
            profile: text("profile"),
            endpoint: text("endpoint"),
            ca_certificate: text("ca-certificate").map(Into::into),
            insecure: arguments.get_flag("insecure"),
        },
        output: if text("output").as_deref() == Some("table") {
            OutputFormat::Table
        } else {
            OutputFormat::Json
        },
        wait: operation.handler.mutates().then(|| arguments.get_one::<u8>("wait").copied()).flatten(),
    };
    let sent = parameters(operation, arguments)?;
    call(operation, &choice, &sent, &format!("ravelin {} {}", product.subcommand(), operation.name))
}

/// Which server, as whom.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Which server, as whom")]
pub struct ServerAccess {
    /// The profile to use; see `ravelin configure` [env: RAVELIN_PROFILE].
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// The server's address [env: RAVELIN_ENDPOINT] [default: http://127.0.0.1:8017].
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,
    /// Trust the certificates of this PEM file [env: RAVELIN_CA_CERTIFICATE].
    #[arg(long, value_name = "FILE")]
    pub ca_certificate: Option<std::path::PathBuf>,
    /// Trust any certificate; for trying things out.
    #[arg(long)]
    pub insecure: bool,
}

impl ServerAccess {
    /// A client of that server.
    ///
    /// # Errors
    /// There is no such profile, no access key, or the certificates cannot be read.
    pub fn client(&self) -> anyhow::Result<Client> {
        let mut profile = profile::resolve(self.profile.as_deref())?;
        if let Some(endpoint) = &self.endpoint {
            profile.endpoint.clone_from(endpoint);
        }
        let trust = match &self.ca_certificate {
            _ if self.insecure => Trust::Anybody,
            Some(path) => Trust::File(path.clone()),
            None if !profile.ca_certificate.is_empty() => Trust::File(profile.ca_certificate.clone().into()),
            None => Trust::System,
        };
        Client::new(&profile.endpoint, profile.credentials()?, &trust)
    }
}

/// Which server, as whom, and how to print what it answers.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Which server, as whom")]
pub struct ServerChoice {
    #[command(flatten)]
    pub access: ServerAccess,
    /// How to print the answer.
    #[arg(long, short, value_enum, default_value = "json", value_name = "FORMAT")]
    pub output: OutputFormat,
    /// Wait until the nodes that the change concerns have confirmed it, for so many seconds at most, up to 60. Without it
    /// the settings of the account and of the server say how long.
    #[arg(long, value_name = "SECONDS", value_parser = value::wait_seconds)]
    pub wait: Option<u8>,
}

/// Calls an operation, prints its answer, and says what to do where it is refused. `command` is the one to look up.
///
/// # Errors
/// The server cannot be reached.
pub fn call(
    operation: &Operation,
    choice: &ServerChoice,
    sent: &[(String, String)],
    command: &str,
) -> anyhow::Result<ExitCode> {
    let client = choice.access.client()?;
    let reply = client.call(operation, sent, choice.wait.map(u32::from))?;
    let code = print(&reply, choice.output)?;
    give_hint(operation, &reply, sent, command);
    Ok(code)
}

/// Prints what the server refuses, says what to do, and gives the exit code for it.
///
/// # Errors
/// It cannot be written.
pub(super) fn refused(
    operation: &Operation,
    reply: &Reply,
    format: OutputFormat,
    (sent, command): (&[(String, String)], &str),
) -> anyhow::Result<ExitCode> {
    let code = print(reply, format)?;
    give_hint(operation, reply, sent, command);
    Ok(code)
}

fn give_hint(operation: &Operation, reply: &Reply, sent: &[(String, String)], command: &str) {
    if let Some(refused) = reply.error_code()
        && let Some(hint) = hint::of(operation, refused, sent)
    {
        output::note(&format!("{hint}\nSee `{command} --help`."));
    }
}

fn parameters(operation: &Operation, arguments: &ArgMatches) -> anyhow::Result<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    for parameter in operation.parameters {
        if let Some(value) = arguments.get_one::<String>(parameter.name) {
            pairs.extend(on_the_wire(parameter, value));
        }
    }
    for pair in arguments.get_many::<String>("parameter").into_iter().flatten() {
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| anyhow::anyhow!("--parameter takes NAME=VALUE, not {pair:?}"))?;
        pairs.push((name.into(), value.into()));
    }
    Ok(pairs)
}

/// A parameter as the vendor's clients send it: of a numbered list the command line may give the items with commas.
fn on_the_wire(parameter: &Parameter, value: &str) -> Vec<(String, String)> {
    let numbered = matches!(parameter.kind, Kind::List { encoding: Encoding::Numbered, .. });
    if numbered && !value.trim_start().starts_with('[') {
        let items = value.split(',').enumerate();
        return items
            .map(|(n, item)| (format!("{}.{}", parameter.name, n + 1), item.trim().into()))
            .collect();
    }
    let json = matches!(parameter.kind, Kind::List { encoding: Encoding::Json, .. });
    if json && !value.trim_start().starts_with('[') {
        let items: Vec<&str> = value.split(',').map(str::trim).collect();
        return vec![(parameter.name.into(), serde_json::json!(items).to_string())];
    }
    vec![(parameter.name.into(), value.into())]
}

/// Prints an answer or a refusal; gives the exit code.
pub(super) fn print(reply: &Reply, format: OutputFormat) -> anyhow::Result<ExitCode> {
    if let Some(fact) = first(reply) {
        output::note(&fact);
    }
    let field = |name: &str| reply.body.get(name).and_then(serde_json::Value::as_str).unwrap_or("-");
    let text = match format {
        OutputFormat::Json => serde_json::to_string_pretty(&reply.body)?,
        OutputFormat::Table if reply.status == 200 => table::render(&reply.body, output::width()),
        OutputFormat::Table => format!(
            "{}: {}\n{}{}\nrequest {}",
            output::marked(field("Code"), Mark::Bad),
            field("Message"),
            not_permitted(&reply.body),
            field("Recommend"),
            field("RequestId")
        ),
    };
    match new_key(&reply.body) {
        Some(id) => output::line_once(&text, || {
            format!(
                "the access key {id} was made, but its secret could not be shown; delete it with `ravelin ram \
                 DeleteAccessKey --UserAccessKeyId {id}` (and --UserName, if it is a user's) and make another"
            )
        })?,
        None => output::line(&text)?,
    }
    Ok(ExitCode::from(exit_code(reply)))
}

/// The line that says which action a policy would have to allow; nothing where it is not about that.
fn not_permitted(refused: &serde_json::Value) -> String {
    let detail = |name: &str| {
        refused.get("AccessDeniedDetail").and_then(|own| own.get(name)).and_then(serde_json::Value::as_str)
    };
    let Some(action) = detail("AuthAction") else { return String::new() };
    let resource = detail("AuthResource").map_or_else(String::new, |own| format!(" for {own}"));
    let why = if detail("NoPermissionType") == Some("ExplicitDeny") {
        "a policy denies it"
    } else {
        "no policy allows it"
    };
    format!("not permitted: {action}{resource}; {why}\n")
}

fn exit_code(reply: &Reply) -> u8 {
    match reply.status {
        200 => 0,
        _ if unconfirmed(reply).is_some() => EXIT_NOT_CONFIRMED,
        500.. => EXIT_SERVER_FAILED,
        _ => EXIT_REFUSED,
    }
}

/// The change that is made and that not every node has confirmed. Other errors may name a change, too: that of a part of a call
/// which was not carried out to its end.
fn unconfirmed(reply: &Reply) -> Option<u64> {
    reply.generation.filter(|_| reply.error_code() == Some("ens.interface.error"))
}

/// What has to be known before an error is read.
fn first(reply: &Reply) -> Option<String> {
    let code = reply.error_code()?;
    if let Some(generation) = unconfirmed(reply) {
        return Some(format!(
            "The change IS MADE (generation {generation}), but not every node that it concerns has confirmed it in time. \
             `ravelin api DescribeEnforcement --Generation {generation}` shows how it stands."
        ));
    }
    (code == "SignatureDoesNotMatch").then(|| {
        "The secret of the access key is probably wrong (RAVELIN_ACCESS_KEY_SECRET, or the profile's). What follows is for those \
         who sign requests themselves."
            .to_owned()
    })
}

/// The id of the access key that the answer shows the secret of.
fn new_key(answer: &serde_json::Value) -> Option<&str> {
    answer.pointer("/AccessKey/AccessKeySecret")?;
    answer.pointer("/AccessKey/AccessKeyId")?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_which_permission_is_wanting() {
        let detail =
            serde_json::json!({ "AuthAction": "ravelin:ListFindings", "NoPermissionType": "ImplicitDeny" });
        let said = not_permitted(&serde_json::json!({ "AccessDeniedDetail": detail }));
        assert_eq!(said, "not permitted: ravelin:ListFindings; no policy allows it\n");
        assert_eq!(not_permitted(&serde_json::json!({ "Code": "NoPermission" })), "");
    }

    #[test]
    fn a_change_that_is_made_is_not_reported_as_refused() {
        let reply = |status, generation, code: &str| Reply {
            status,
            generation,
            body: serde_json::json!({ "Code": code }),
            hint: None,
        };
        let made = reply(400, Some(7), "ens.interface.error");
        assert_eq!(exit_code(&made), EXIT_NOT_CONFIRMED);
        assert!(first(&made).unwrap().starts_with("The change IS MADE (generation 7)"));
        let refused = reply(400, None, "SignatureDoesNotMatch");
        assert_eq!(exit_code(&refused), EXIT_REFUSED);
        assert!(first(&refused).unwrap().contains("secret"));
        assert_eq!(exit_code(&reply(503, None, "ServiceUnavailable")), EXIT_SERVER_FAILED);
        let in_part = reply(503, Some(7), "ServiceUnavailable");
        assert_eq!((exit_code(&in_part), first(&in_part)), (EXIT_SERVER_FAILED, None));
        assert_eq!(first(&reply(200, Some(7), "")), None);
    }

    #[test]
    fn every_operation_is_a_command_with_valid_arguments() {
        use clap::CommandFactory;
        add_products(crate::cli::Cli::command()).debug_assert();
    }

    #[test]
    fn numbered_parameters_become_pairs() {
        let given = [
            "ravelin",
            "ens",
            "TagResources",
            "--Tag.1.Key",
            "a",
            "--Tag.1.Value=b",
            "--ResourceType",
            "instance",
        ];
        let expanded = expand_numbered(given.into_iter().map(Into::into));
        let expected = [
            "ravelin",
            "ens",
            "TagResources",
            "--parameter",
            "Tag.1.Key=a",
            "--parameter",
            "Tag.1.Value=b",
            "--ResourceType",
            "instance",
        ];
        assert_eq!(expanded, expected.map(std::ffi::OsString::from));
    }
}
