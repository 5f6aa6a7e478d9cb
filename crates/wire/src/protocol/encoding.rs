//! Answers: an object of results, or an error, as JSON or XML.
//!
//! The content types are exact to the letter: clients compare them. In XML an object nests, a list repeats
//! its element, and `null` is left out, so that `{"Ids":{"Id":["a","b"]}}` is
//! `<Ids><Id>a</Id><Id>b</Id></Ids>`. Must not know any operation.

use std::borrow::Cow;

use quick_xml::escape::partial_escape;
use serde_json::{Map, Value};

use super::request::Format;

impl Format {
    /// The value of the `content-type` header.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json;charset=utf-8",
            Self::Xml => "text/xml;charset=utf-8",
        }
    }
}

/// What every error answer says.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorAnswer<'a> {
    /// The id of the request.
    pub request_id: &'a str,
    /// The host that the request was sent to.
    pub host_id: &'a str,
    /// The error code.
    pub code: &'a str,
    /// The sentence for people.
    pub message: &'a str,
    /// The address of a page about the code.
    pub recommend: &'a str,
    /// For a denied permission: what was asked and why not.
    pub access_denied_detail: Option<&'a Value>,
}

/// The body of a successful answer; in XML its root is `<ActionResponse>`.
#[must_use]
pub fn success(format: Format, action: &str, fields: &Map<String, Value>) -> Vec<u8> {
    match format {
        Format::Json => json(fields),
        Format::Xml => xml(&format!("{action}Response"), fields),
    }
}

/// The body of an error answer; in XML its root is `<Error>`.
#[must_use]
pub fn error(format: Format, answer: &ErrorAnswer<'_>) -> Vec<u8> {
    let texts = [
        ("RequestId", answer.request_id),
        ("HostId", answer.host_id),
        ("Code", answer.code),
        ("Message", answer.message),
        ("Recommend", answer.recommend),
    ];
    let mut fields: Map<String, Value> =
        texts.into_iter().map(|(name, text)| (name.to_owned(), Value::from(text))).collect();
    if let Some(detail) = answer.access_denied_detail {
        fields.insert("AccessDeniedDetail".to_owned(), detail.clone());
    }
    match format {
        Format::Json => json(&fields),
        Format::Xml => xml("Error", &fields),
    }
}

fn json(fields: &Map<String, Value>) -> Vec<u8> {
    // Writing a map with text keys into memory has no way to fail.
    serde_json::to_vec(fields).unwrap_or_default()
}

fn xml(root: &str, fields: &Map<String, Value>) -> Vec<u8> {
    let mut out = String::with_capacity(512);
    out.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let root = element_name(root);
    open(&mut out, &root);
    write_fields(&mut out, fields);
    close(&mut out, &root);
    out.into_bytes()
}

fn write_fields(out: &mut String, fields: &Map<String, Value>) {
    for (name, value) in fields {
        write_element(out, &element_name(name), value);
    }
}

fn write_element(out: &mut String, name: &str, value: &Value) {
    match value {
        Value::Null => {}
        Value::Array(items) => items.iter().for_each(|item| write_element(out, name, item)),
        Value::Object(fields) => {
            open(out, name);
            write_fields(out, fields);
            close(out, name);
        }
        Value::String(text) => write_text(out, name, &partial_escape(written(text))),
        Value::Bool(truth) => write_text(out, name, if *truth { "true" } else { "false" }),
        Value::Number(number) => write_text(out, name, &number.to_string()),
    }
}

fn write_text(out: &mut String, name: &str, escaped: &str) {
    open(out, name);
    out.push_str(escaped);
    close(out, name);
}

fn open(out: &mut String, name: &str) {
    out.push('<');
    out.push_str(name);
    out.push('>');
}

fn close(out: &mut String, name: &str) {
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

/// Whether XML 1.0 can hold the character at all (section 2.2 of the recommendation).
#[must_use]
pub fn is_xml_character(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

/// The text with each character that XML cannot hold, not even escaped, replaced by U+FFFD.
fn written(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_xml_character) {
        return Cow::Borrowed(text);
    }
    let replaced =
        |character| if is_xml_character(character) { character } else { char::REPLACEMENT_CHARACTER };
    Cow::Owned(text.chars().map(replaced).collect())
}

/// A field's name as an element's. Names of fields are ours and fit; one that does not is made to fit, so
/// that the answer is XML whatever it is called.
fn element_name(name: &str) -> Cow<'_, str> {
    let begins = |character: char| character.is_ascii_alphabetic() || character == '_';
    let continues =
        |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-' | '.');
    if name.starts_with(begins) && name.chars().all(continues) {
        return Cow::Borrowed(name);
    }
    let rest = name.chars().map(|character| if continues(character) { character } else { '_' });
    Cow::Owned(std::iter::once('_').chain(rest).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    fn text(body: Vec<u8>) -> String {
        String::from_utf8(body).unwrap()
    }

    #[test]
    fn content_types_are_exact() {
        assert_eq!(Format::Json.content_type(), "application/json;charset=utf-8");
        assert_eq!(Format::Xml.content_type(), "text/xml;charset=utf-8");
    }

    #[test]
    fn json_keeps_the_order_of_the_fields() {
        let answer = fields(json!({"RequestId": "R", "B": {"Z": 1, "A": []}, "A": null}));
        let expected = r#"{"RequestId":"R","B":{"Z":1,"A":[]},"A":null}"#;
        assert_eq!(text(success(Format::Json, "X", &answer)), expected);
    }

    #[test]
    fn xml_nests_objects_repeats_lists_and_leaves_null_out() {
        let answer = fields(json!({
            "RequestId": "R",
            "SecurityGroupIds": {"SecurityGroupId": ["sg-1", "sg-2"]},
            "Instances": {"Instance": [{"Id": "i-1", "Cpu": 2, "On": true}, {"Id": "i-2", "Gone": null}]},
            "Empty": {"Item": []},
        }));
        assert_eq!(
            text(success(Format::Xml, "LeaveSecurityGroup", &answer)),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<LeaveSecurityGroupResponse><RequestId>R</RequestId>\
             <SecurityGroupIds><SecurityGroupId>sg-1</SecurityGroupId><SecurityGroupId>sg-2</SecurityGroupId>\
             </SecurityGroupIds><Instances><Instance><Id>i-1</Id><Cpu>2</Cpu><On>true</On></Instance>\
             <Instance><Id>i-2</Id></Instance></Instances><Empty></Empty></LeaveSecurityGroupResponse>"
        );
    }

    #[test]
    fn xml_escapes_markup_and_replaces_what_it_cannot_hold() {
        let answer = fields(json!({"T": "a<b>&\"c\"\r\n\u{0}\u{1b}\u{fffe}\u{1f600}", "1 bad>": 1}));
        assert_eq!(
            text(success(Format::Xml, "X", &answer)),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<XResponse><T>a&lt;b&gt;&amp;\"c\"&#13;\n\u{fffd}\u{fffd}\
             \u{fffd}\u{1f600}</T><_1_bad_>1</_1_bad_></XResponse>"
        );
    }

    #[test]
    fn errors_have_one_envelope() {
        let detail = json!({"AuthAction": "ens:LeaveSecurityGroup"});
        let mut answer = ErrorAnswer {
            request_id: "R",
            host_id: "h:1",
            code: "NoPermission",
            message: "Permission denied.",
            recommend: "http://h:1/errors/NoPermission?a=1&b=2",
            access_denied_detail: Some(&detail),
        };
        assert_eq!(
            text(error(Format::Json, &answer)),
            r#"{"RequestId":"R","HostId":"h:1","Code":"NoPermission","Message":"Permission denied.","#
                .to_owned()
                + r#""Recommend":"http://h:1/errors/NoPermission?a=1&b=2","#
                + r#""AccessDeniedDetail":{"AuthAction":"ens:LeaveSecurityGroup"}}"#
        );
        answer.access_denied_detail = None;
        assert_eq!(
            text(error(Format::Xml, &answer)),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><RequestId>R</RequestId><HostId>h:1</HostId>\
             <Code>NoPermission</Code><Message>Permission denied.</Message>\
             <Recommend>http://h:1/errors/NoPermission?a=1&amp;b=2</Recommend></Error>"
        );
    }
}
