//! From what was sent to what is well-formed, by the catalogue alone.
//!
//! The order is the contract's (decision 7): first what is missing, then what is malformed, then what excludes each
//! other.

use model::UnixMillis;

use super::{Argument, Arguments, Fault, Form, Kind, Operation, Parameter, Product, ram_fault};
use crate::protocol::{
    parameters::{Object, ParameterError, Parameters},
    timestamp,
};

/// The longest id, in bytes (contract, decision 10).
const ID_BYTES_MAX: usize = 128;

/// Reads and checks the arguments of a call.
///
/// # Errors
/// The first fault, in the order of the contract.
pub fn validate(operation: &Operation, parameters: &Parameters) -> Result<Arguments, Fault> {
    missing(operation, parameters)?;
    let mut arguments = Arguments::default();
    for parameter in operation.parameters {
        let value = top_level(parameter, parameters);
        let value = value.map_err(|fault| with_choices(fault, operation, parameter));
        if let Some(value) = value.map_err(|fault| ram_fault::own(fault, operation, parameter, parameters))? {
            arguments.insert(parameter.name, value);
        }
    }
    exclusive(operation, &arguments)?;
    debug_assert!(arguments.belong_to(operation));
    Ok(arguments)
}

/// Where the message is ours, it says what may be chosen. That of a preview is not: it refuses as the operation does that it
/// previews, whose parameters it has.
fn with_choices(fault: Fault, operation: &Operation, parameter: &Parameter) -> Fault {
    match parameter.kind {
        Kind::OneOf(words) if operation.product == Product::Ravelin && operation.family != "preview" => {
            let message = format!("{} It is one of {}.", fault.message, words.join(", "));
            Fault { message, ..fault }
        }
        _ => fault,
    }
}

fn missing(operation: &Operation, parameters: &Parameters) -> Result<(), Fault> {
    let required = operation.parameters.iter().filter(|parameter| parameter.required);
    let one_of = operation.exactly_one.iter();
    let given =
        |name: &str| operation.parameter(name).is_some_and(|parameter| supplied(parameter, parameters));
    let complete = required.into_iter().all(|parameter| supplied(parameter, parameters))
        && one_of.into_iter().all(|set| set.iter().any(|name| given(name)));
    if complete { Ok(()) } else { Err(Fault::missing()) }
}

/// Whether the parameter is given, in a form that it can have: `Name.1` is a list or an object, never a text.
fn supplied(parameter: &Parameter, parameters: &Parameters) -> bool {
    match parameter.kind {
        Kind::List { .. } | Kind::Object { .. } | Kind::Objects { .. } => parameters.supplied(parameter.name),
        _ => parameters.pairs().get(parameter.name).is_some_and(|text| !text.is_empty()),
    }
}

fn exclusive(operation: &Operation, arguments: &Arguments) -> Result<(), Fault> {
    for set in operation.exactly_one {
        let given: Vec<&str> = set.iter().copied().filter(|name| arguments.has(name)).collect();
        if given.len() > 1 {
            return Err(Fault::invalid(&format!("{} cannot be given together", given.join(" and "))));
        }
    }
    Ok(())
}

fn malformed(error: &ParameterError) -> Fault {
    Fault::malformed(&error.field)
}

fn top_level(parameter: &Parameter, parameters: &Parameters) -> Result<Option<Argument>, Fault> {
    let name = parameter.name;
    match parameter.kind {
        Kind::Ignored => Ok(None),
        Kind::List { of, max, encoding } => {
            let list = match encoding {
                super::Encoding::Comma => parameters.list_or_commas(name),
                _ => parameters.list(name),
            };
            let Some(items) = list.map_err(|error| malformed(&error))? else { return Ok(None) };
            texts(name, of, max, &items).map(Some)
        }
        Kind::Object { fields, .. } => {
            let object = parameters.object(name).map_err(|error| malformed(&error))?;
            object.map(|object| object_of(fields, &object).map(Argument::Object)).transpose()
        }
        Kind::Objects { fields, max, .. } => {
            let Some(items) = parameters.objects(name).map_err(|error| malformed(&error))? else {
                return Ok(None);
            };
            if items.len() > max {
                return Err(Fault::malformed(name));
            }
            let objects = items.iter().map(|item| object_of(fields, item).map(Argument::Object));
            objects.collect::<Result<_, _>>().map(|list| Some(Argument::List(list)))
        }
        Kind::Integer { min, max } => {
            let number = parameters.integer(name).map_err(|error| malformed(&error))?;
            number.map(|number| integer(name, number, min, max)).transpose()
        }
        Kind::Boolean => {
            let value = parameters.boolean(name).map_err(|error| malformed(&error))?;
            Ok(value.map(Argument::Boolean))
        }
        // What may be empty is emptied by an empty text: clients clear names and descriptions so.
        Kind::Text { min: 0, .. } if parameters.pairs().get(name) == Some("") => {
            Ok(Some(Argument::Text("".into())))
        }
        _ => {
            let text = parameters.text(name).map_err(|error| malformed(&error))?;
            text.map(|text| scalar(name, parameter.kind, text)).transpose()
        }
    }
}

/// The fields of an object. An empty text in it is a mistake, not an absence (docs/decisions.md, decision 25).
fn object_of(fields: &'static [Parameter], object: &Object) -> Result<Arguments, Fault> {
    let mut arguments = Arguments::default();
    for field in fields {
        if field.required && object.get(spelling(field.name, object)).is_none() {
            return Err(Fault::missing_named(field.name));
        }
    }
    for field in fields {
        if let Some(value) = in_object(field, object)? {
            arguments.insert(field.name, value);
        }
    }
    Ok(arguments)
}

fn in_object(field: &Parameter, object: &Object) -> Result<Option<Argument>, Fault> {
    let name = field.name;
    // The field's own name goes into the code: `InvalidParameter.PortRange`.
    let wrong = |_: ParameterError| Fault::malformed(name);
    match field.kind {
        Kind::Ignored => Ok(None),
        Kind::Integer { min, max } => {
            let number = object.integer(spelling(name, object)).map_err(wrong)?;
            number.map(|number| integer(name, number, min, max)).transpose()
        }
        Kind::Boolean => Ok(object.boolean(name).map_err(wrong)?.map(Argument::Boolean)),
        Kind::List { of, max, .. } => {
            let Some(items) = object.list(name).map_err(wrong)? else { return Ok(None) };
            texts(name, of, max, &items).map(Some)
        }
        Kind::Object { .. } | Kind::Objects { .. } => Err(Fault::malformed(name)),
        Kind::Text { min: 0, .. } => {
            let text = object.text(name).map_err(wrong)?;
            text.map(|text| scalar(name, field.kind, &text)).transpose()
        }
        _ => match object.text(name).map_err(wrong)? {
            Some(text) if text.is_empty() => Err(Fault::invalid(&format!("{name} is an empty string"))),
            Some(text) => scalar(name, field.kind, &text).map(Some),
            None => Ok(None),
        },
    }
}

/// The name under which the object has the field: the SDK's model of a rule spells `Priority` with a small letter
/// (the vendor's SDK, CreateSecurityGroupPermissions).
fn spelling(name: &'static str, object: &Object) -> &'static str {
    if name == "Priority" && object.get(name).is_none() { "priority" } else { name }
}

fn texts(name: &str, of: &Kind, max: usize, items: &[String]) -> Result<Argument, Fault> {
    if items.len() > max {
        return Err(Fault::malformed(name));
    }
    let items = items.iter().map(|item| scalar(name, *of, item));
    items.collect::<Result<_, _>>().map(Argument::List)
}

fn integer(name: &str, number: i64, min: i64, max: i64) -> Result<Argument, Fault> {
    if (min..=max).contains(&number) { Ok(Argument::Integer(number)) } else { Err(Fault::malformed(name)) }
}

fn scalar(name: &str, kind: Kind, text: &str) -> Result<Argument, Fault> {
    let well_formed = match kind {
        Kind::Text { min, max, form } => {
            let characters = text.chars().count();
            (min..=max).contains(&characters) && (form.check)(text)
        }
        Kind::Password => {
            // What is empty is not supplied, so the empty text cannot be taken for a password.
            return scalar(name, Kind::form(8, 30, Form::PASSWORD), text).map(|_| Argument::Text("".into()));
        }
        Kind::Id => is_id(text),
        Kind::OneOf(words) => words.contains(&text),
        Kind::Time => return time(name, text),
        Kind::Ipv4 => text.parse::<std::net::Ipv4Addr>().is_ok(),
        Kind::Ipv6 => text.parse::<std::net::Ipv6Addr>().is_ok(),
        Kind::Ipv4Prefix => model::address::Prefix::ipv4(text).is_ok(),
        Kind::Ipv6Prefix => model::address::Prefix::ipv6(text).is_ok(),
        Kind::Integer { min, max } => {
            return text.parse().map_err(|_| Fault::malformed(name)).and_then(|n| integer(name, n, min, max));
        }
        Kind::Boolean => return boolean(name, text),
        Kind::List { .. } | Kind::Object { .. } | Kind::Objects { .. } | Kind::Ignored => false,
    };
    if well_formed { Ok(Argument::Text(text.into())) } else { Err(Fault::malformed(name)) }
}

fn is_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'*');
    !text.is_empty() && text.len() <= ID_BYTES_MAX && text.bytes().all(plain)
}

fn time(name: &str, text: &str) -> Result<Argument, Fault> {
    let seconds = timestamp::parse(text).ok_or_else(|| Fault::malformed(name))?;
    Ok(Argument::Time(UnixMillis(seconds.saturating_mul(1_000))))
}

fn boolean(name: &str, text: &str) -> Result<Argument, Fault> {
    match text {
        "true" | "True" => Ok(Argument::Boolean(true)),
        "false" | "False" => Ok(Argument::Boolean(false)),
        _ => Err(Fault::malformed(name)),
    }
}
