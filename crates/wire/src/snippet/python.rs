//! A call in Python, for the SDKs that the vendor publishes.

use serde_json::Value;

use super::{
    Call, PASSWORD_VARIABLE, Server,
    given::{Given, pairs, unknown_field},
    quote,
};
use crate::catalogue::{Kind, Operation, Product};

/// The operations that the Python SDK of their product does not know.
const NOT_IN_SDK: &[(Product, &str)] = &[(Product::Ens, "DescribeInstanceSpec")];

/// The parameters that the SDK's request of an operation does not have, or not as what they are. A test with the SDK holds
/// the list to that (`tests/clients/python/test_written_calls.py`).
const PARAMETERS_NOT_IN_SDK: &[(&str, &str)] = &[
    ("DescribeInstances", "OrderByParams"),
    ("DescribeSecurityGroups", "MaxResults"),
    ("DescribeSecurityGroups", "NextToken"),
];

pub(super) fn python(call: &Call<'_>, server: Server<'_>) -> String {
    match package(call.operation.product) {
        Some(package) if is_in_sdk(call) => with_sdk(call, server, package),
        _ => generic(call, server),
    }
}

fn package(product: Product) -> Option<&'static str> {
    match product {
        Product::Ens => Some("alibabacloud_ens20171110"),
        Product::Ram => Some("alibabacloud_ram20150501"),
        Product::Sts => Some("alibabacloud_sts20150401"),
        Product::Ravelin => None,
    }
}

/// Whether the SDK can say it. It has no way to give a header, and no field that the catalogue does not have.
fn is_in_sdk(call: &Call<'_>) -> bool {
    let Operation { product, name, .. } = call.operation;
    let unknown = |given: &Given| {
        PARAMETERS_NOT_IN_SDK.contains(&(name, given.parameter.name))
            || unknown_field(given.parameter.kind, &given.value).is_some()
    };
    !NOT_IN_SDK.contains(&(*product, name)) && call.wait_seconds.is_none() && !call.given.iter().any(unknown)
}

fn config(server: Server<'_>) -> String {
    let trusted = if server.secure { "    ca=os.environ.get('RAVELIN_CA_CERTIFICATE'),\n" } else { "" };
    format!(
        "Config(\n    access_key_id=os.environ['RAVELIN_ACCESS_KEY_ID'],\n    \
         access_key_secret=os.environ['RAVELIN_ACCESS_KEY_SECRET'],\n    endpoint={},\n    protocol='{}',\n{trusted})",
        quote::python(server.host),
        server.scheme()
    )
}

fn with_sdk(call: &Call<'_>, server: Server<'_>, package: &str) -> String {
    let operation = call.operation;
    // GetCallerIdentity: the SDK of STS has no request for it.
    let request = operation.product != Product::Sts;
    let import = if request { format!("from {package} import models\n") } else { String::new() };
    let mut text = format!(
        "import os\n\n{import}from {package}.client import Client\nfrom alibabacloud_tea_openapi.models import \
         Config\n\nclient = Client({})\n",
        config(server)
    );
    let method = snake(operation.name);
    if !request {
        text.push_str(&format!("print(client.{method}().body.to_map())\n"));
        return text;
    }
    let class = format!("{}Request", operation.name);
    if call.given.is_empty() {
        text.push_str(&format!("request = models.{class}()\n"));
    } else {
        text.push_str(&format!("request = models.{class}(\n"));
        for given in call.given {
            text.push_str(&format!("    {}={},\n", snake(given.parameter.name), literal(&class, given)));
        }
        text.push_str(")\n");
    }
    text.push_str(&format!("print(client.{method}(request).body.to_map())\n"));
    text
}

/// The call by the generic client: for what no SDK knows.
fn generic(call: &Call<'_>, server: Server<'_>) -> String {
    let mut query: Vec<String> = Vec::new();
    for given in call.given {
        if given.parameter.kind == Kind::Password {
            query.push(format!("{}: {}", quote::python(given.parameter.name), password()));
        } else {
            let pairs = pairs(std::slice::from_ref(given));
            query.extend(
                pairs
                    .iter()
                    .map(|(name, value)| format!("{}: {}", quote::python(name), quote::python(value))),
            );
        }
    }
    let wait = call.wait_seconds;
    let headers =
        wait.map(|seconds| format!(", headers={{'x-ravelin-wait': '{seconds}'}}")).unwrap_or_default();
    // Milliseconds; what waits takes longer than what the client waits for by itself.
    let options = wait.map(|seconds| format!("read_timeout={}", (u32::from(seconds) + 10) * 1_000));
    format!(
        "import os\n\nfrom alibabacloud_tea_openapi.client import Client\nfrom alibabacloud_tea_openapi.models import \
         Config, OpenApiRequest, Params\nfrom alibabacloud_tea_util.models import RuntimeOptions\n\nclient = \
         Client({})\nparams = Params(\n    action='{}', version='{}', protocol='{}', method='{}', \
         auth_type='AK',\n    style='RPC', pathname='/', req_body_type='formData', body_type='json',\n)\nrequest = \
         OpenApiRequest(query={{{}}}{headers})\nprint(client.call_api(params, request, RuntimeOptions({}))['body'])\n",
        config(server),
        call.operation.name,
        call.operation.product.version(),
        server.scheme().to_uppercase(),
        call.operation.methods.usual(),
        query.join(", "),
        options.unwrap_or_default(),
    )
}

fn password() -> String {
    format!("os.environ['{PASSWORD_VARIABLE}']")
}

fn literal(class: &str, given: &Given) -> String {
    let model = format!("models.{class}{}", given.parameter.name);
    match (&given.parameter.kind, &given.value) {
        (Kind::Password, _) => password(),
        (Kind::Object { .. }, Value::Object(_)) => object(&model, &given.value, "    "),
        (Kind::Objects { .. }, Value::Array(items)) => {
            let items: Vec<String> = items.iter().map(|item| object(&model, item, "    ")).collect();
            format!("[{}]", items.join(", "))
        }
        (_, value) => plain(value),
    }
}

fn object(model: &str, value: &Value, indent: &str) -> String {
    let fields = value.as_object().into_iter().flatten();
    let lines: Vec<String> =
        fields.map(|(name, value)| format!("{indent}    {}={},\n", snake(name), plain(value))).collect();
    format!("{model}(\n{}{indent})", lines.concat())
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "None".into(),
        Value::Bool(truth) => if *truth { "True" } else { "False" }.into(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => quote::python(text),
        Value::Array(items) => format!("[{}]", items.iter().map(plain).collect::<Vec<_>>().join(", ")),
        Value::Object(_) => quote::python(&value.to_string()),
    }
}

/// The name that the SDK's generator makes of a name: an underscore stands before every capital letter and digit that
/// follows a small letter.
fn snake(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 8);
    let mut after_small = false;
    for character in name.chars() {
        if after_small && !character.is_ascii_lowercase() {
            text.push('_');
        }
        after_small = character.is_ascii_lowercase();
        text.push(character.to_ascii_lowercase());
    }
    match text.strip_prefix("vswitch") {
        // The generator's one exception.
        Some(rest) => format!("v_switch{rest}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_sdk() {
        for (name, expected) in [
            ("LeaveSecurityGroup", "leave_security_group"),
            ("ReInitDisk", "re_init_disk"),
            ("CreateVSwitch", "create_vswitch"),
            ("VSwitchId", "v_switch_id"),
            ("NetWorkId", "net_work_id"),
            ("KMSKeyId", "kmskey_id"),
            ("Ipv6SourceCidrIp", "ipv_6source_cidr_ip"),
            ("Ipv6CidrBlock", "ipv_6cidr_block"),
            ("EnableIPv6", "enable_ipv_6"),
        ] {
            assert_eq!(snake(name), expected);
        }
    }
}
