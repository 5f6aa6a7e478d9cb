//! The example of a call in Python, for the SDKs that the vendor publishes.

use serde_json::Value;

use super::example;
use crate::catalogue::{Kind, Operation, Parameter, Product};

/// The operations that the Python SDK of their product does not know.
const NOT_IN_SDK: &[(Product, &str)] = &[(Product::Ens, "DescribeInstanceSpec")];

/// The example call of an operation.
pub(super) fn call(operation: &Operation) -> String {
    match package(operation.product) {
        Some(package) if !NOT_IN_SDK.contains(&(operation.product, operation.name)) => {
            with_sdk(operation, package)
        }
        _ => generic(operation),
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

const CONFIG: &str = "Config(
    access_key_id=os.environ['RAVELIN_ACCESS_KEY_ID'],
    access_key_secret=os.environ['RAVELIN_ACCESS_KEY_SECRET'],
    endpoint='127.0.0.1:8017',
    protocol='http',
)";

fn with_sdk(operation: &Operation, package: &str) -> String {
    let shown = example::shown(operation);
    // GetCallerIdentity: the SDK of STS has no request for it.
    let request = operation.product != Product::Sts;
    let import = if request { "from {package} import models\n" } else { "" }.replace("{package}", package);
    let mut text = format!(
        "import os\n\n{import}from {package}.client import Client\nfrom alibabacloud_tea_openapi.models import \
         Config\n\nclient = Client({CONFIG})\n",
    );
    let method = snake(operation.name);
    if !request {
        text.push_str(&format!("print(client.{method}().body.to_map())\n"));
        return text;
    }
    let class = format!("{}Request", operation.name);
    if shown.is_empty() {
        text.push_str(&format!("request = models.{class}()\n"));
    } else {
        text.push_str(&format!("request = models.{class}(\n"));
        for parameter in shown {
            text.push_str(&format!("    {}={},\n", snake(parameter.name), literal(&class, parameter)));
        }
        text.push_str(")\n");
    }
    text.push_str(&format!("print(client.{method}(request).body.to_map())\n"));
    text
}

/// The call by the generic client: for operations that no SDK knows.
fn generic(operation: &Operation) -> String {
    let query: Vec<String> = example::arguments(operation)
        .iter()
        .map(|(name, value)| format!("{}: {}", quoted(name), quoted(value)))
        .collect();
    format!(
        "import os\n\nfrom alibabacloud_tea_openapi.client import Client\nfrom alibabacloud_tea_openapi.models import \
         Config, OpenApiRequest, Params\nfrom alibabacloud_tea_util.models import RuntimeOptions\n\nclient = \
         Client({CONFIG})\nparams = Params(\n    action='{}', version='{}', protocol='HTTP', method='{}', \
         auth_type='AK',\n    style='RPC', pathname='/', req_body_type='formData', body_type='json',\n)\nrequest = \
         OpenApiRequest(query={{{}}})\nprint(client.call_api(params, request, RuntimeOptions())['body'])\n",
        operation.name,
        operation.product.version(),
        operation.methods.usual(),
        query.join(", ")
    )
}

fn literal(class: &str, parameter: &Parameter) -> String {
    let value = example::value(parameter);
    let model = format!("models.{class}{}", parameter.name);
    match (&parameter.kind, &value) {
        (Kind::Object { .. }, Value::Object(_)) => object(&model, &value, "    "),
        (Kind::Objects { .. }, Value::Array(items)) => {
            let items: Vec<String> = items.iter().map(|item| object(&model, item, "    ")).collect();
            format!("[{}]", items.join(", "))
        }
        _ => plain(&value),
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
        Value::String(text) => quoted(text),
        Value::Array(items) => format!("[{}]", items.iter().map(plain).collect::<Vec<_>>().join(", ")),
        Value::Object(_) => quoted(&value.to_string()),
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n"))
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
