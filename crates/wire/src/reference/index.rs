//! The index: all operations by product and family.

use super::{
    markdown::{anchor, capital, cell, table},
    operation::path,
};
use crate::catalogue::{self, Operation, Product};

/// The page.
pub(super) fn page() -> String {
    let mut text = String::from(
        "# Reference\n\nEvery operation that the server answers. These pages are printed from the catalogue that the \
         server itself checks requests by.\n\n- [What all operations share](common.md): signing, common parameters, answers, errors\n- \
         [Error codes](error-codes.md)\n- [Release notes of the API](release-notes.md)\n",
    );
    for product in Product::ALL {
        let operations: Vec<&Operation> =
            catalogue::all().filter(|operation| operation.product == product).collect();
        if !operations.is_empty() {
            text.push_str(&section(product, &operations));
        }
    }
    text
}

fn section(product: Product, operations: &[&Operation]) -> String {
    let mut families: Vec<&str> = Vec::new();
    for operation in operations {
        if !families.contains(&operation.family) {
            families.push(operation.family);
        }
    }
    let heading = |family: &str| format!("{}: {family}", product.name());
    let links: Vec<String> =
        families.iter().map(|family| format!("[{family}](#{})", anchor(&heading(family)))).collect();
    let mut text = format!(
        "\n## {}\n\nVersion {}, {}: {}.\n",
        title(product),
        product.version(),
        counted(operations.len()),
        links.join(", ")
    );
    for family in families {
        let rows = operations.iter().filter(|operation| operation.family == family);
        let rows = rows.map(|operation| {
            vec![format!("[{}]({})", operation.name, path(operation)), cell(operation.summary)]
        });
        text.push_str(&format!(
            "\n### {}\n\n{}",
            capital(&heading(family)),
            table(&["Operation", "What it does"], rows)
        ));
    }
    text
}

fn counted(operations: usize) -> String {
    if operations == 1 { "1 operation".into() } else { format!("{operations} operations") }
}

fn title(product: Product) -> &'static str {
    match product {
        Product::Ens => "Edge Node Service (`ens`)",
        Product::Ram => "Resource access management (`ram`)",
        Product::Sts => "Security token service (`sts`)",
        Product::Ravelin => "What ENS does not have (`api`)",
    }
}
