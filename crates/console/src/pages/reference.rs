//! The reference, the error codes and the release notes: the same text as the server has for everybody, in the console's look.

use maud::{PreEscaped, html};
use wire::{protocol::percent, server::article};

use super::explorer;
use crate::{
    ROOT,
    response::{Page, Response},
    router::{Outcome, Route},
    trouble::Trouble,
    view,
    visit::Visit,
};

pub(crate) const ROUTES: &[Route] = &[
    Route::read("/reference", |visit| Box::pin(show(visit, "/reference", "/reference".into()))),
    Route::read("/reference/{page}", |visit| Box::pin(page(visit))),
    Route::read("/reference/{product}/{page}", |visit| Box::pin(operation(visit))),
    Route::read("/errors", |visit| Box::pin(show(visit, "/errors", "/errors".into()))),
    Route::read("/errors/{code}", |visit| Box::pin(error(visit))),
    Route::read("/release-notes", |visit| Box::pin(show(visit, "/release-notes", "/release-notes".into()))),
];

async fn page(visit: &Visit<'_>) -> Outcome {
    let address = format!("/reference/{}", visit.part("page"));
    show(visit, "/reference", address).await
}

async fn operation(visit: &Visit<'_>) -> Outcome {
    let (product, name) = (visit.part("product"), visit.part("page"));
    let outcome = show(visit, "/reference", format!("/reference/{product}/{name}")).await?;
    let found = wire::catalogue::all()
        .find(|operation| operation.product.subcommand() == product && operation.name == name);
    Ok(match (outcome, found) {
        (Response::Page(page), Some(operation)) => {
            page.actions(view::main_link(&explorer::address(operation), "Try it now")).into()
        }
        (outcome, _) => outcome,
    })
}

async fn error(visit: &Visit<'_>) -> Outcome {
    let address = format!("/errors/{}", percent::encode(visit.part("code")));
    show(visit, "/errors", address).await
}

async fn show(visit: &Visit<'_>, section: &'static str, address: String) -> Outcome {
    let found = article(&address, visit.request.query).ok_or(Trouble::NotFound)?;
    let mut body = found.body;
    // In an article a quotation mark outside of markup is escaped: these are links, and nothing else.
    for part in ["reference", "errors", "release-notes"] {
        body = body.replace(&format!("href=\"/{part}"), &format!("href=\"{ROOT}/{part}"));
    }
    let page =
        Page::new(section, found.title, html! { div .prose { (PreEscaped(body)) } }).status(found.status);
    let name = match section {
        "/reference" => "Reference",
        "/errors" => "Error codes",
        _ => return Ok(page.into()),
    };
    Ok(if address == section { page } else { page.under(name, format!("{ROOT}{section}")) }.into())
}
