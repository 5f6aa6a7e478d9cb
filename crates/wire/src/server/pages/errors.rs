//! The list of error codes, and a page for each.

use percent_encoding::percent_decode_str;

use super::{
    Page,
    html::{escape, prose},
    reference::address,
};
use crate::{
    catalogue::{self, ErrorCode, Operation, Product, error_code},
    protocol::percent,
};

/// The longest code that is looked at, in bytes; longer ones are unknown and like no other.
const CODE_BYTES_MAX: usize = 128;
/// How many codes are offered instead of an unknown one.
const NEAR: usize = 5;

/// Every error code.
pub(in crate::server) fn error_codes() -> Page {
    let mut body = String::from(
        "<p>Every error answer carries one of these codes, a message, and the id of the request. <code>%s</code> stands \
         for a name or a detail.</p>\n<dl>\n",
    );
    for code in error_code::ALL {
        body.push_str(&format!(
            "<dt>{} <span class=\"soft\">HTTP {}</span></dt>\n<dd>{}</dd>\n",
            link(code),
            code.status,
            prose(code.meaning)
        ));
    }
    body.push_str("</dl>\n");
    Page::html(200, "Error codes", &body)
}

/// The page of a code, as it stands in an address. The address's query may name the product that answered: then, where
/// products word a code differently, only its words are shown.
pub(in crate::server) fn error_code(encoded: &str, query: &str) -> Page {
    let asked = percent_decode_str(encoded).decode_utf8_lossy();
    if asked.len() > CODE_BYTES_MAX {
        return unknown(None);
    }
    let codes = of_product(find(&asked), product(query));
    if codes.is_empty() { unknown(Some(&asked)) } else { known(&codes, &asked) }
}

/// The code itself, or the one whose `%s` stands for the least of it. Products word some codes differently: then there
/// are several.
fn find(asked: &str) -> Vec<&'static ErrorCode> {
    let all = || error_code::ALL.iter().copied();
    let own: Vec<_> = all().filter(|code| code.code == asked).collect();
    if !own.is_empty() {
        return own;
    }
    let closest = all().filter(|code| code.matches(asked)).map(|code| code.code.len()).max();
    all().filter(|code| code.matches(asked) && Some(code.code.len()) == closest).collect()
}

/// The product that a query such as `product=Ens&requestId=...` names.
fn product(query: &str) -> Option<Product> {
    let name = query.split('&').find_map(|pair| pair.strip_prefix("product="))?;
    Product::ALL.into_iter().find(|product| product.name().eq_ignore_ascii_case(name))
}

/// Those of the codes that the product answers; all of them, where that leaves none.
fn of_product(codes: Vec<&'static ErrorCode>, product: Option<Product>) -> Vec<&'static ErrorCode> {
    let Some(product) = product else { return codes };
    let is_own = |code: &&ErrorCode| {
        let mut own = catalogue::all().filter(|operation| operation.product == product);
        own.any(|operation| operation.errors.contains(code))
    };
    let is_gateways = |code: &&ErrorCode| error_code::GATEWAY.contains(code);
    for chosen in [
        codes.iter().copied().filter(is_own).collect::<Vec<_>>(),
        codes.iter().copied().filter(is_gateways).collect(),
    ] {
        if !chosen.is_empty() {
            return chosen;
        }
    }
    codes
}

fn known(codes: &[&ErrorCode], asked: &str) -> Page {
    let body: String = codes.iter().map(|code| section(code, asked)).collect();
    Page::html(200, asked, &body)
}

fn section(code: &ErrorCode, asked: &str) -> String {
    let mut body = format!("<h2>HTTP status {}: {}</h2>\n", code.status, escape(&message(code, asked)));
    if asked != code.code {
        body.push_str(&format!("<p>One of the codes {}.</p>\n", link(code)));
    }
    body.push_str(&format!("<h3>What it means</h3>\n<p>{}</p>\n", prose(code.meaning)));
    body.push_str("<h3>What answers it</h3>\n");
    if error_code::GATEWAY.contains(&code) {
        body.push_str("<p>Every operation.</p>\n");
    } else {
        let documenting = || catalogue::all().filter(|operation| operation.errors.contains(&code));
        body.push_str(&items("", documenting().filter(|operation| operation.answers(code))));
        body.push_str(&items(
            "<p>The vendor documents it for these, too; they do not answer it here:</p>\n",
            documenting().filter(|operation| !operation.answers(code)),
        ));
    }
    body
}

/// The message of a code, with the name that stands in the code that was asked for.
fn message(code: &ErrorCode, asked: &str) -> String {
    let name = code.code.split_once("%s").and_then(|(before, after)| {
        asked.strip_prefix(before)?.strip_suffix(after).filter(|_| asked != code.code)
    });
    name.map_or_else(|| code.message.to_owned(), |name| code.message.replace("%s", name))
}

/// A list of operations below a sentence; nothing where there are none.
fn items(head: &str, operations: impl Iterator<Item = &'static Operation>) -> String {
    let items: String = operations.map(item).collect();
    if items.is_empty() { items } else { format!("{head}<ul>\n{items}</ul>\n") }
}

/// An operation, as an item of a list.
pub(super) fn item(operation: &Operation) -> String {
    let summary = if operation.summary.is_empty() {
        String::new()
    } else {
        format!("<br>{}", prose(operation.summary))
    };
    format!(
        "<li><a href=\"{}\"><code>{}</code></a> <span class=\"soft\">{}</span>{summary}</li>\n",
        escape(&address(operation)),
        escape(operation.name),
        escape(operation.product.name())
    )
}

fn unknown(asked: Option<&str>) -> Page {
    let mut body = match asked {
        Some(asked) => format!("<p>The server answers no error code <code>{}</code>.</p>\n", escape(asked)),
        None => "<p>No error code is that long.</p>\n".to_owned(),
    };
    if let Some(asked) = asked {
        body.push_str("<h2>Codes like it</h2>\n<ul>\n");
        for code in near(asked) {
            body.push_str(&format!("<li>{}</li>\n", link(code)));
        }
        body.push_str("</ul>\n");
    }
    body.push_str("<p><a href=\"/errors\">All error codes</a></p>\n");
    Page::html(404, "Unknown error code", &body)
}

fn link(code: &ErrorCode) -> String {
    format!("<a href=\"/errors/{}\"><code>{}</code></a>", percent::encode(code.code), escape(code.code))
}

/// The codes that are likest to the text.
fn near(asked: &str) -> Vec<&'static ErrorCode> {
    let asked: Vec<char> = asked.to_lowercase().chars().collect();
    let mut codes: Vec<_> = error_code::ALL.iter().map(|code| (distance(&asked, code.code), *code)).collect();
    codes.sort_by_key(|(distance, code)| (*distance, code.code));
    codes.dedup_by_key(|(_, code)| code.code);
    codes.into_iter().take(NEAR).map(|(_, code)| code).collect()
}

/// How many characters must be added, removed or replaced to make one text of the other, whatever their case.
fn distance(asked: &[char], code: &str) -> usize {
    let mut row: Vec<usize> = (0..=asked.len()).collect();
    for (above, wanted) in code.chars().enumerate() {
        let mut diagonal = above;
        row[0] = above + 1;
        for (index, given) in asked.iter().enumerate() {
            let replaced = diagonal + usize::from(*given != wanted.to_ascii_lowercase());
            diagonal = row[index + 1];
            row[index + 1] = replaced.min(diagonal + 1).min(row[index] + 1);
        }
    }
    row[asked.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_page_that_links_resolve_to() {
        for code in error_code::ALL {
            let page = error_code(&percent::encode(code.code), "");
            assert_eq!(page.status, 200, "{}", code.code);
            assert!(page.body.contains(&prose(code.meaning)), "{}", code.code);
        }
    }

    #[test]
    fn a_code_with_a_name_in_it_shows_the_name() {
        let page = error_code("InvalidParameter.SourceCidrIp", "");
        assert_eq!(page.status, 200);
        assert!(page.body.contains("<h1>InvalidParameter.SourceCidrIp</h1>"));
        assert!(page.body.contains("InvalidParameter.%25s"));
    }

    #[test]
    fn a_code_that_products_word_differently_shows_each() {
        let page = error_code("NoPermission", "");
        assert!(
            page.body.contains("HTTP status 400") && page.body.contains("HTTP status 403"),
            "{}",
            page.body
        );
        let page = error_code("InvalidParameter.UserName.Length", "");
        assert!(page.body.contains("InvalidParameter.%25s.Length"), "{}", page.body);
    }

    #[test]
    fn the_name_in_a_code_stands_in_its_message() {
        let page = error_code("InvalidParameter.SecurityGroupName", "product=Ens&requestId=1");
        assert!(page.body.contains("The specified field SecurityGroupName invalid."), "{}", page.body);
        assert!(!page.body.contains("is incorrect"), "RAM's words are not ENS's: {}", page.body);
    }

    #[test]
    fn the_product_chooses_among_the_wordings() {
        let page = |product: &str| error_code("NoPermission", &format!("product={product}&requestId=1")).body;
        assert!(page("Ens").contains("HTTP status 400") && !page("Ens").contains("HTTP status 403"));
        assert!(page("Ram").contains("HTTP status 403") && !page("Ram").contains("HTTP status 400"));
        assert!(page("Nope").contains("HTTP status 403") && page("Nope").contains("HTTP status 400"));
    }

    #[test]
    fn codes_like_it_are_named_once() {
        let page = error_code("NoPermissions", "");
        assert_eq!(page.body.matches("/errors/NoPermission\"").count(), 1, "{}", page.body);
    }

    #[test]
    fn what_answers_a_code_is_told_from_what_only_documents_it() {
        let page = error_code("SecurityGroupRule.NotFound", "");
        let (answering, documenting) = page.body.split_once("The vendor documents it").unwrap();
        assert!(answering.contains("/reference/ens/RevokeSecurityGroup\""));
        assert!(documenting.contains("/reference/ens/LeaveSecurityGroup\""));
    }

    #[test]
    fn a_misspelt_code_is_answered_with_those_like_it() {
        let page = error_code("InvalidSecurityGroupid.Notfound", "");
        assert_eq!(page.status, 404);
        assert!(page.body.contains("/errors/InvalidSecurityGroupId.NotFound\""), "{}", page.body);
    }

    #[test]
    fn markup_in_the_address_stays_text() {
        for asked in
            ["%3Cscript%3Ealert(1)%3C/script%3E", "InvalidParameter.%3Cimg%20src=x%3E", "\"><b>", "%FF%00"]
        {
            let page = error_code(asked, "");
            assert!(
                !page.body.contains("<script") && !page.body.contains("<img") && !page.body.contains("<b>")
            );
        }
    }

    #[test]
    fn a_very_long_code_is_not_repeated() {
        let page = error_code(&"x".repeat(60_000), "");
        assert_eq!(page.status, 404);
        assert!(page.body.len() < 4_000);
    }

    #[test]
    fn every_code_names_what_answers_it() {
        let operations: Vec<_> = catalogue::all().collect();
        let unused = error_code::ALL.iter().filter(|code| {
            !error_code::GATEWAY.contains(code)
                && !operations.iter().any(|operation| operation.errors.contains(code))
        });
        let unused: Vec<_> = unused.map(|code| code.code).collect();
        assert!(unused.is_empty(), "answered by no operation: {unused:?}");
    }
}
