//! What a person sees who opens the address of the API in a browser.

use super::{Page, html::escape};
use crate::catalogue::{self, Product};

/// The first page. The host is what the browser says it asked for.
pub(in crate::server) fn landing(host: &str, secure: bool) -> Page {
    let scheme = if secure { "https" } else { "http" };
    let operations = catalogue::all().count();
    let versions: Vec<String> = Product::ALL
        .into_iter()
        .filter(|product| catalogue::all().any(|operation| operation.product == *product))
        .map(|product| format!("{} {}", product.name(), product.version()))
        .collect();
    let body = format!(
        "<p>This is the API of a Ravelin server: security groups for edge instances, behind the interface of Edge Node \
         Service. It has {operations} operations ({versions}). Programs call them with signed requests at this very \
         address.</p>\n\
         <ul>\n\
         <li><a href=\"/reference/\">Reference</a>: every operation, and how a call is made</li>\n\
         <li><a href=\"/errors\">Error codes</a>: what each means and what to do</li>\n\
         <li><a href=\"/release-notes\">Release notes</a> of the API</li>\n\
         <li><a href=\"/readyz\">Readiness</a>, <a href=\"/healthz\">health</a> and <a href=\"/metrics\">metrics</a></li>\n\
         </ul>\n\
         <h2>Point an SDK here</h2>\n\
         <p>The official SDKs work unchanged; they need the endpoint and an access key of this server. In Python \
         (<code>alibabacloud-ens20171110</code>):</p>\n\
         <pre tabindex=\"0\"><code>from alibabacloud_ens20171110.client import Client\n\
         from alibabacloud_ens20171110.models import DescribeSecurityGroupsRequest\n\
         from alibabacloud_tea_openapi.models import Config\n\n\
         client = Client(Config(\n    \
         access_key_id=\"...\", access_key_secret=\"...\",\n    \
         endpoint=\"{host}\", protocol=\"{scheme}\",\n))\n\
         print(client.describe_security_groups(DescribeSecurityGroupsRequest()).body)\n\
         </code></pre>\n\
         <p>On the command line, <code>ravelin ens</code> lists the operations, and <code>ravelin ens LeaveSecurityGroup \
         --help</code> explains one.</p>\n",
        versions = escape(&versions.join(", ")),
        host = escape(host),
    );
    Page::html(200, "The Ravelin API", &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_only_text() {
        let page = landing("a\"><script>", true);
        assert!(page.body.contains("endpoint=\"a&quot;&gt;&lt;script&gt;\", protocol=\"https\""));
        assert!(!page.body.contains("<script"));
    }
}
