//! "Try it now": every operation of the catalogue with a form of its own, the request that comes of it, its answer, and the
//! same call to be copied.

mod answer;
mod input;
mod request;
mod show;

use maud::{Markup, html};
use wire::catalogue::{self, Operation, Product};

use crate::{
    ROOT,
    response::Page,
    router::{Outcome, Route},
    view::{self, Cell, Tone, list},
    visit::Visit,
};

const SECTION: &str = "/explorer";

pub(crate) const ROUTES: &[Route] = &[
    Route::read(SECTION, |visit| Box::pin(list(visit))),
    Route::read("/explorer/{product}/{operation}", |visit| Box::pin(show::form(visit))),
    Route::send("/explorer/{product}/{operation}", |visit| Box::pin(show::send(visit))),
];

/// The page on which an operation can be tried.
pub(crate) fn address(operation: &Operation) -> String {
    format!("{ROOT}{SECTION}/{}/{}", operation.product.subcommand(), operation.name)
}

async fn list(visit: &Visit<'_>) -> Outcome {
    let query = &visit.query;
    let words: Vec<String> = query.get("q").split_whitespace().map(str::to_lowercase).collect();
    let product = query.get("product");
    let is_wanted = |operation: &&Operation| {
        let text = format!("{} {} {}", operation.name, operation.summary, operation.family).to_lowercase();
        (product.is_empty() || operation.product.name() == product)
            && words.iter().all(|word| text.contains(word))
    };
    let found: Vec<&'static Operation> = catalogue::all().filter(is_wanted).collect();
    let names = Product::ALL.iter().map(|product| product.name());
    let body = html! {
        (list::search(SECTION, query, "A name, or a word of what it does", &list::filter("product", "Product", query, names)))
        @if found.is_empty() {
            (view::empty("No operation has these words.", &html! { "Search for one word, such as \u{201c}group\u{201d} or \u{201c}leave\u{201d}." }, None))
        }
        @for product in Product::ALL {
            @let own: Vec<_> = found.iter().copied().filter(|operation| operation.product == product).collect();
            @if !own.is_empty() {
                (view::section(&format!("{} {}", product.name(), product.version()), &table(product, &own)))
            }
        }
    };
    let lead = html! {
        "Fill in a form, see the signed request, send it, and take the same call with you as curl, Python or a command. "
        (found.len()) " of " (catalogue::all().count()) " operations."
    };
    Ok(Page::new(SECTION, "Try it now", body).lead(lead).into())
}

fn table(product: Product, operations: &[&'static Operation]) -> Markup {
    view::table(
        &format!("Operations of {}", product.name()),
        &["Operation", "What it does", "Family", "Effect"],
        operations.iter().map(|operation| {
            vec![
                Cell::head(html! { a .named href=(address(operation)) { (operation.name) } }),
                Cell::of(html! { (view::prose(operation.summary)) }),
                Cell::of(html! { (operation.family) }),
                Cell::of(effect(operation)),
            ]
        }),
    )
}

/// Whether an operation changes something.
fn effect(operation: &Operation) -> Markup {
    if operation.handler.mutates() {
        view::badge(Tone::Warning, "Changes")
    } else {
        view::badge(Tone::Plain, "Reads")
    }
}
