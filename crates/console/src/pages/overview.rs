//! The first page: what exists, how the nodes are, what changed last.

use maud::{Markup, html};

use crate::{
    ROOT,
    api::Api,
    response::Page,
    router::{Outcome, Route},
    view,
    visit::Visit,
};

pub(crate) const ROUTES: &[Route] = &[Route::read("", |visit| Box::pin(show(visit)))];

async fn show(visit: &Visit<'_>) -> Outcome {
    let counts = counts(&visit.api).await;
    Ok(Page::new("", "Overview", counts).into())
}

/// What exists, with the way to it.
async fn counts(api: &Api) -> Markup {
    let mut numbers = Vec::new();
    for (name, address, operation) in [
        ("Security groups", "/groups", "DescribeSecurityGroups"),
        ("Instances", "/instances", "DescribeInstances"),
        ("Network interfaces", "/interfaces", "DescribeNetworkInterfaces"),
        ("Networks", "/networks", "DescribeNetworks"),
        ("Nodes", "/nodes", "DescribeNodes"),
    ] {
        numbers.push((name, address, api.total(operation, &[]).await));
    }
    view::section(
        "What exists",
        &html! {
            ul .numbers {
                @for (name, address, number) in numbers {
                    li {
                        a href={ (ROOT) (address) } {
                            span .number { @match number { Some(number) => (number), None => "\u{2013}" } }
                            span { (name) }
                        }
                    }
                }
            }
        },
    )
}
