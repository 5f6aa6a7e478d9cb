//! The complete list of error codes.

use super::{
    markdown::{cell, code, table},
    operation::path,
};
use crate::catalogue::{
    self, ErrorCode,
    error_code::{ALL, GATEWAY},
};

/// The page.
pub(super) fn page() -> String {
    let row = |error: &ErrorCode| {
        vec![code(error.code), error.status.to_string(), cell(error.message), cell(error.meaning)]
    };
    let columns = ["Code", "HTTP", "Message", "Meaning"];
    let own = || ALL.iter().copied().filter(|error| !GATEWAY.contains(error));
    let own_rows = own().map(|error| {
        let mut cells = row(error);
        cells.push(operations(error));
        cells
    });
    format!(
        "# Error codes\n\nEverything that the server can answer besides 200. `%s` stands for the name of a parameter, or \
         for a detail that the message gives. Most errors have HTTP status 400, things that do not exist among them, as \
         in ENS; RAM has its own. Every error answer carries its code, a sentence, the id of the request and, in \
         `Recommend`, the address of the code's page on the very server that answered; see [what all operations \
         share](common.md#errors).\n\n## Every operation\n\n{}\n## Of single operations\n\n{}",
        table(&columns, GATEWAY.iter().copied().map(row)),
        table(&["Code", "HTTP", "Message", "Meaning", "Operations"], own_rows)
    )
}

fn operations(error: &'static ErrorCode) -> String {
    let links = |answers: bool| {
        let documenting = catalogue::all().filter(|operation| operation.errors.contains(&error));
        let links: Vec<String> = documenting
            .filter(|operation| operation.answers(error) == answers)
            .map(|operation| format!("[{}]({})", operation.name, path(operation)))
            .collect();
        links.join(", ")
    };
    match (links(true), links(false)) {
        (answering, shared) if shared.is_empty() => answering,
        (answering, shared) if answering.is_empty() => format!("none yet; documented for {shared}"),
        (answering, shared) => format!("{answering}; documented for {shared}, too, which do not answer it"),
    }
}
