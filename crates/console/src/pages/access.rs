//! Whether a RAM user may call an operation: the same decision as for a real call, without one.

use maud::{Markup, html};
use wire::catalogue;

use super::choices;
use crate::{
    ROOT, api,
    response::Page,
    router::{Outcome, Route},
    view::{self, Tone, fields::Field},
    visit::Visit,
};

pub(crate) const ROUTES: &[Route] = &[Route::read("/access", |visit| Box::pin(show(visit)))];

async fn show(visit: &Visit<'_>) -> Outcome {
    let query = &visit.query;
    let (user, operation) = (query.get("UserName"), query.get("operation"));
    let users = choices::users(&visit.api).await;
    let body = html! {
        form .form .card .measure method="get" action={ (ROOT) "/access" } {
            div .fields {
                (Field::new("UserName", "RAM user", user).required().choice([("", "Choose a user")].into_iter().chain(choices::pairs(&users))))
                div .field {
                    label for="operation" { "Operation" }
                    input type="text" id="operation" name="operation" value=(operation) required list="operations" autocomplete="off" spellcheck="false";
                    datalist id="operations" { @for own in catalogue::all() { option value=(own.name) {} } }
                }
            }
            (Field::new("resource", "On what", query.get("resource")).hint("An id or a name, where the operation is about one thing and policies may name it. Empty: all.").text())
            div .buttons { button .button .primary type="submit" { "Check" } }
        }
        @if !user.is_empty() && !operation.is_empty() { (decision(visit, user, operation).await) }
    };
    Ok(Page::new("/access", "May this user call this?", body)
        .lead(html! { "Decided by the policies that are attached, as a real call from your address at this moment would be. Nothing is called." })
        .into())
}

/// The parameter that names what the operation is about.
fn resource_parameter(operation: &catalogue::Operation) -> Option<&'static str> {
    match operation.ram.resource {
        catalogue::Resource::Named { parameter, .. } => Some(parameter),
        catalogue::Resource::UserOrCaller => Some("UserName"),
        catalogue::Resource::Policy | catalogue::Resource::UserAndPolicy => Some("PolicyName"),
        catalogue::Resource::All | catalogue::Resource::Every { .. } => None,
    }
}

async fn decision(visit: &Visit<'_>, user: &str, name: &str) -> Markup {
    let Some(operation) = api::operation(name) else {
        return view::notice(
            Tone::Bad,
            "There is no such operation.",
            &html! { p { "Names are exact: LeaveSecurityGroup." } },
        );
    };
    let resource = resource_parameter(operation).zip(visit.query.given("resource"));
    let parameters: Vec<(&str, &str)> = resource.into_iter().collect();
    let action = html! { p { "The action is " code { (operation.ram.action) } "." } };
    match visit.api.inner.gateway.may(&visit.api.principal(), user, operation, &parameters).await {
        Ok(Ok(())) => view::notice(Tone::Good, &format!("{user} may call {name}."), &action),
        Ok(Err(fault)) => view::notice(
            Tone::Bad,
            &format!("{user} may not call {name}."),
            &html! {
                (action)
                p { "It would be answered " code { (fault.code) } ". " a href={ (super::users::address(user)) } { "The user's policies" } }
            },
        ),
        Err(fault) => view::refusal(&fault),
    }
}
