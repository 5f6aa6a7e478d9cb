//! The page of one operation, with the sections of the vendor's pages.

use super::{
    calls, example,
    markdown::{block, capital, cell, code, table},
};
use crate::{
    catalogue::{
        self, Access, Answer, ErrorCode, Kind, Methods, Operation, Parameter, Product, Scalar, error_code,
    },
    protocol::{encoding, request::Format},
};

/// The request id of the example answers.
const REQUEST_ID: &str = "473469C7-AA6F-4DC5-B3DB-A3DC0DE3C83E";

/// Where the page of an operation stands, such as `ens/LeaveSecurityGroup.md`.
pub fn path(operation: &Operation) -> String {
    format!("{}/{}.md", operation.product.subcommand(), operation.name)
}

/// The page of an operation.
pub(super) fn page(operation: &'static Operation) -> String {
    let sections = [
        format!("# {}\n\n{}\n", operation.name, operation.summary),
        description(operation),
        ram(operation),
        parameters(operation),
        answer(operation),
        examples(operation),
        errors(operation),
    ];
    sections.join("\n")
}

fn description(operation: &Operation) -> String {
    let methods = match operation.methods {
        Methods::GetOrPost => "GET or POST",
        Methods::Get => "GET",
        Methods::Post => "POST",
    };
    let mut text = String::from("## Description\n\n");
    if !operation.description.is_empty() {
        text.push_str(&format!("{}\n\n", operation.description));
    }
    text.push_str(&format!(
        "Product {}, version {}, family {}. Method: {methods}; parameters from query and form body alike. What all \
         operations share, signing and common parameters among it, is on [a page of its own](../common.md).\n",
        operation.product.name(),
        operation.product.version(),
        operation.family
    ));
    text
}

fn ram(operation: &Operation) -> String {
    let head = "## RAM authorisation\n\n";
    if operation.ram.access == Access::None {
        return format!("{head}None is needed: whoever signs the call may make it.\n");
    }
    let row = vec![
        code(operation.ram.action),
        operation.ram.access.name().into(),
        code(&operation.ram.resource.notation(operation.ram.service())),
        "none".into(),
        "none".into(),
    ];
    let columns = ["Action", "Access level", "Resource type", "Condition key", "Dependent action"];
    format!(
        "{head}{}\nThe general condition keys `acs:SourceIp`, `acs:SecureTransport` and `acs:CurrentTime` hold for every \
         action.\n",
        table(&columns, [row])
    )
}

fn parameters(operation: &Operation) -> String {
    let head = "## Request parameters\n\n";
    if operation.parameters.is_empty() {
        return format!("{head}None besides the [common ones](../common.md#common-parameters).\n");
    }
    let mut rows = Vec::new();
    for parameter in operation.parameters {
        parameter_rows(parameter.name, parameter, &required(operation, parameter), &mut rows);
    }
    let columns = ["Parameter", "Type", "Required", "Meaning", "Constraint", "Example"];
    let mut text = format!("{head}{}", table(&columns, rows));
    for set in operation.exactly_one {
        let names: Vec<String> = set.iter().map(|name| code(name)).collect();
        text.push_str(&format!("\nOf {} exactly one must be given.\n", names.join(" and ")));
    }
    text
}

fn required(operation: &Operation, parameter: &Parameter) -> String {
    let one_of = operation.exactly_one.iter().any(|set| set.contains(&parameter.name));
    match (parameter.required, one_of) {
        (true, _) => "yes",
        (_, true) => "one of them",
        _ => "no",
    }
    .into()
}

fn parameter_rows(name: &str, parameter: &Parameter, required: &str, rows: &mut Vec<Vec<String>>) {
    let constraint = match parameter.kind {
        Kind::List { of, .. } => match of.constraint() {
            inner if inner.is_empty() => parameter.kind.constraint(),
            inner => format!("{}; each {inner}", parameter.kind.constraint()),
        },
        _ => parameter.kind.constraint(),
    };
    rows.push(vec![
        code(name),
        code(parameter.kind.type_name()),
        required.into(),
        cell(parameter.summary),
        cell(&constraint),
        code(parameter.example),
    ]);
    let (fields, dot) = match parameter.kind {
        Kind::Object { fields, .. } => (fields, "."),
        Kind::Objects { fields, .. } => (fields, "[]."),
        _ => return,
    };
    for field in fields {
        let required = if field.required { "yes" } else { "no" };
        parameter_rows(&format!("{name}{dot}{}", field.name), field, required, rows);
    }
}

fn answer(operation: &Operation) -> String {
    let request_id = vec![code("RequestId"), "string".into(), code(REQUEST_ID)];
    let fields = operation.answer.iter().map(|field| {
        let scalar = match field.scalar {
            Scalar::Text => "string",
            Scalar::Integer => "integer",
            Scalar::Boolean => "boolean",
        };
        vec![code(field.path), scalar.into(), code(field.example)]
    });
    let mut whole = Answer::new();
    whole.insert("RequestId".into(), REQUEST_ID.into());
    whole.extend(example::answer(operation));
    let json = serde_json::to_string_pretty(&whole).unwrap_or_default();
    let xml = encoding::success(Format::Xml, operation.name, &whole);
    format!(
        "## Answer\n\nHTTP 200. `[]` stands for the items of a list.\n\n{}\nJSON:\n\n{}\nXML:\n\n{}",
        table(&["Field", "Type", "Example"], std::iter::once(request_id).chain(fields)),
        block("json", &json),
        block("xml", &indented(&String::from_utf8_lossy(&xml)))
    )
}

/// XML with one element a line; an element without others in it is one line.
pub fn indented(xml: &str) -> String {
    let mut text = String::new();
    let mut depth = 0_usize;
    let mut just_opened = false;
    for piece in xml.split_inclusive('>') {
        let Some((content, tag)) = piece.find('<').map(|start| piece.split_at(start)) else { continue };
        let (closing, empty) = (tag.starts_with("</"), tag.starts_with("<?") || tag.ends_with("/>"));
        if closing {
            depth = depth.saturating_sub(1);
        }
        if closing && just_opened {
            text.push_str(content);
        } else if !text.is_empty() {
            text.push('\n');
            text.push_str(&"  ".repeat(depth));
        }
        text.push_str(tag);
        just_opened = !closing && !empty;
        depth += usize::from(just_opened);
    }
    text
}

fn examples(operation: &'static Operation) -> String {
    format!(
        "## Examples\n\nWith the command line, which signs for you:\n\n{}\nWith the vendor's SDK for \
         Python:\n\n{}\nOn the wire, signed with `ACS3-HMAC-SHA256` by the key `{}` with the secret `{}`, for checking a \
         signer of your own:\n\n{}",
        block("sh", &calls::command(operation)),
        block("python", &calls::python(operation)),
        calls::ACCESS_KEY_ID,
        calls::ACCESS_KEY_SECRET,
        block("http", &calls::raw(operation))
    )
}

/// The codes of every operation that have to do with what this operation is.
fn concerning(operation: &Operation) -> Vec<&'static ErrorCode> {
    let ram = operation.product == Product::Ram;
    let needed =
        operation.parameters.iter().any(|parameter| parameter.required) || !operation.exactly_one.is_empty();
    let candidates: [(&'static ErrorCode, bool); 6] = [
        (&error_code::MISSING_PARAMETER, needed),
        (&error_code::NO_PERMISSION, operation.ram.access != Access::None && !ram),
        (&error_code::INVALID_PARAMETER_NAMED, !operation.parameters.is_empty() && !ram),
        (&error_code::INVALID_PARAMETER, !operation.parameters.is_empty() && !ram),
        (&error_code::CALL_INTERFACE, operation.handler.mutates()),
        (&error_code::ENS_INTERFACE_ERROR, operation.handler.mutates()),
    ];
    candidates.into_iter().filter(|(_, concerns)| *concerns).map(|(code, _)| code).collect()
}

fn errors(operation: &Operation) -> String {
    let mut listed = concerning(operation);
    listed.extend(operation.errors.iter().copied().filter(|code| !concerning(operation).contains(code)));
    let rows = listed.into_iter().map(|error| {
        let mut meaning = cell(error.meaning);
        // What nothing answers yet says so itself.
        if !operation.answers(error) && catalogue::all().any(|other| other.answers(error)) {
            meaning.push_str(&format!(
                " Documented by the vendor for the family: {} itself does not answer it.",
                operation.name
            ));
        }
        vec![code(error.code), error.status.to_string(), cell(error.message), meaning]
    });
    let head = if operation.errors.is_empty() { "has no error codes of its own" } else { "may answer" };
    format!(
        "## Error codes\n\n{} {head}:\n\n{}\nEvery operation may also answer [the codes of the \
         gateway](../error-codes.md#every-operation). The [complete list](../error-codes.md) says of each code which \
         operations answer it.\n",
        capital(operation.name),
        table(&["Code", "HTTP", "Message", "Meaning"], rows)
    )
}

#[cfg(test)]
mod tests {
    use super::indented;

    #[test]
    fn xml_is_one_element_a_line() {
        let xml = "<?xml version=\"1.0\"?>\n<A><B>text</B><C><D></D><D>x</D></C></A>";
        let expected =
            "<?xml version=\"1.0\"?>\n<A>\n  <B>text</B>\n  <C>\n    <D></D>\n    <D>x</D>\n  </C>\n</A>";
        assert_eq!(indented(xml), expected);
    }
}
