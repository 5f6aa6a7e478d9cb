//! Policies: their list, one of them with its document and whom it is attached to, making one and giving it another document.

use maud::{Markup, html};
use serde_json::Value;
use wire::{catalogue::Fault, protocol::percent};

use super::users::more;
use crate::{
    ROOT,
    json::{count, items, text},
    proposal,
    response::Page,
    router::{Outcome, Route},
    trouble::Trouble,
    view::{
        self, Cell,
        fields::{self, Field},
        list, time,
    },
    visit::Visit,
};

const SECTION: &str = "/policies";

/// What the document of a new policy begins with.
const BEGINNING: &str = r#"{
  "Version": "1",
  "Statement": [
    { "Effect": "Allow", "Action": ["ens:Describe*"], "Resource": "*" }
  ]
}"#;

pub(crate) const ROUTES: &[Route] = &[
    Route::read("/policies", |visit| Box::pin(show_all(visit))),
    Route::read("/policies/new", |visit| Box::pin(form(visit))),
    Route::send("/policies/new", |visit| Box::pin(create(visit))),
    Route::read("/policies/{kind}/{policy}", |visit| Box::pin(show(visit))),
    Route::send("/policies/{kind}/{policy}/version", |visit| Box::pin(change(visit))),
    Route::read("/policies/{kind}/{policy}/delete", |visit| Box::pin(ask_to_delete(visit))),
    Route::send("/policies/{kind}/{policy}/delete", |visit| Box::pin(delete(visit))),
];

async fn show_all(visit: &Visit<'_>) -> Outcome {
    let query = &visit.query;
    let mut parameters = vec![("MaxItems", "50")];
    parameters.extend(query.given("marker").map(|marker| ("Marker", marker)));
    parameters.extend(query.given("PolicyType").map(|kind| ("PolicyType", kind)));
    let answer = visit.api.read("ListPolicies", &parameters).await?;
    let policies = items(&answer, "Policies.Policy");
    let body = html! {
        form .filters method="get" action={ (ROOT) (SECTION) } {
            (list::filter("PolicyType", "Type", query, ["System", "Custom"]))
            (list::show(SECTION, query.given("PolicyType").is_some()))
        }
        @if policies.is_empty() { (view::empty("There is no policy of this type yet.", &html! { "A policy says what whoever it is attached to may call, on which resources." }, None)) }
        @else {
            (view::table("Policies", &["Name", "Type", "Description", "Attached to"], policies.iter().map(|policy| vec![
                Cell::head(html! { a .named href=(address(text(policy, "PolicyType"), text(policy, "PolicyName"))) { (text(policy, "PolicyName")) } }),
                Cell::of(html! { (text(policy, "PolicyType")) }),
                Cell::of(html! { (text(policy, "Description")) }),
                Cell::number(html! { (count(policy, "AttachmentCount")) }),
            ])))
            (more(query, &answer))
        }
    };
    let new = view::main_link(&format!("{ROOT}/policies/new"), "Create a policy");
    Ok(Page::new(SECTION, "Policies", body).actions(new).into())
}

fn address(kind: &str, name: &str) -> String {
    format!("{}/{}", view::address_of("policies", kind), percent::encode(name))
}

async fn form(visit: &Visit<'_>) -> Outcome {
    Ok(form_page(visit, None).into())
}

fn form_page(visit: &Visit<'_>, fault: Option<&Fault>) -> Page {
    let form = &visit.form;
    let body = html! {
        @if let Some(fault) = fault { (view::refusal(fault)) }
        div .card .measure {
            (view::form(visit, &format!("{ROOT}/policies/new"), &html! {
                (Field::new("PolicyName", "Name", form.get("PolicyName")).hint("Letters, digits and -.").required().text())
                (Field::new("Description", "What it is for", form.get("Description")).text())
                (Field::new("PolicyDocument", "Document", form.given("PolicyDocument").unwrap_or(BEGINNING)).hint("JSON: statements that allow or deny actions on resources.").required().lines(12))
                (fields::buttons("Create the policy", &format!("{ROOT}{SECTION}")))
            }))
        }
    };
    Page::new(SECTION, "Create a policy", body)
        .under("Policies", format!("{ROOT}{SECTION}"))
        .status(fault.map_or(200, |fault| fault.status))
}

async fn create(visit: &Visit<'_>) -> Outcome {
    let given = |name: &'static str| visit.form.given(name).map(|value| (name, value));
    let parameters: Vec<_> =
        ["PolicyName", "Description", "PolicyDocument"].into_iter().filter_map(given).collect();
    match visit.api.try_call("CreatePolicy", &parameters).await {
        Ok(changed) => {
            let own = address("Custom", visit.form.get("PolicyName"));
            Ok(proposal::after(changed.generation, "CreatePolicy", &own))
        }
        Err(fault) => Ok(form_page(visit, Some(&fault)).into()),
    }
}

async fn known(visit: &Visit<'_>) -> Result<Value, Trouble> {
    visit
        .api
        .read("GetPolicy", &[("PolicyType", visit.part("kind")), ("PolicyName", visit.part("policy"))])
        .await
}

async fn show(visit: &Visit<'_>) -> Outcome {
    let policy = known(visit).await?;
    page(visit, &policy, None).await
}

async fn page(visit: &Visit<'_>, policy: &Value, fault: Option<&Fault>) -> Outcome {
    let (kind, name) = (visit.part("kind"), visit.part("policy"));
    let own = address(kind, name);
    let document = pretty(text(policy, "DefaultPolicyVersion.PolicyDocument"));
    let custom = kind == "Custom";
    let body = html! {
        @if let Some(fault) = fault { (view::refusal(fault)) }
        (view::facts(&[
            ("Type", html! { (text(policy, "Policy.PolicyType")) }),
            ("Description", html! { (text(policy, "Policy.Description")) }),
            ("Version in force", html! { (text(policy, "Policy.DefaultVersion")) }),
            ("Attached to", html! { (count(policy, "Policy.AttachmentCount")) }),
            ("Created", time::at(text(policy, "Policy.CreateDate"))),
            ("Changed", time::at(text(policy, "Policy.UpdateDate"))),
        ]))
        @if custom {
            (view::section("Document", &html! {
                div .card {
                    (view::form(visit, &format!("{own}/version"), &html! {
                        (Field::new("PolicyDocument", "Document", visit.form.given("PolicyDocument").unwrap_or(&document)).hint("Saving makes a new version and puts it in force; the oldest version goes where there are too many.").required().lines(14))
                        (fields::buttons("Put in force", ""))
                    }))
                }
            }))
        } @else {
            (view::section("Document", &html! { pre tabindex="0" aria-label="Document" { (document) } }))
        }
        (attached(visit, kind, name).await)
    };
    let page = Page::new(SECTION, name, body).under("Policies", format!("{ROOT}{SECTION}"));
    let page =
        if custom { page.actions(view::button_link(&format!("{own}/delete"), "Delete")) } else { page };
    Ok(page.status(fault.map_or(200, |fault| fault.status)).into())
}

/// A document as people read it; as it is where it is no JSON.
fn pretty(document: &str) -> String {
    let parsed = serde_json::from_str::<Value>(document).ok();
    parsed.and_then(|value| serde_json::to_string_pretty(&value).ok()).unwrap_or_else(|| document.to_owned())
}

async fn attached(visit: &Visit<'_>, kind: &str, name: &str) -> Markup {
    let parameters = [("PolicyType", kind), ("PolicyName", name)];
    let Some(found) = visit.api.glance("ListEntitiesForPolicy", &parameters).await else { return html! {} };
    let users = items(&found, "Users.User");
    view::section(
        "Attached to",
        &html! {
            @if users.is_empty() { p .soft { "Nobody. A policy is attached from the page of a RAM user." } }
            @else { ul .list { @for user in users { li { a href=(super::users::address(text(user, "UserName"))) { (text(user, "UserName")) } } } } }
        },
    )
}

async fn change(visit: &Visit<'_>) -> Outcome {
    let name = visit.part("policy");
    let parameters = [
        ("PolicyName", name),
        ("PolicyDocument", visit.form.get("PolicyDocument")),
        ("SetAsDefault", "true"),
        ("RotateStrategy", "DeleteOldestNonDefaultVersionWhenLimitExceeded"),
    ];
    match visit.api.try_call("CreatePolicyVersion", &parameters).await {
        Ok(changed) => {
            let own = address(visit.part("kind"), name);
            Ok(proposal::after(changed.generation, "CreatePolicyVersion", &own))
        }
        Err(fault) => {
            let policy = known(visit).await?;
            page(visit, &policy, Some(&fault)).await
        }
    }
}

async fn ask_to_delete(visit: &Visit<'_>) -> Outcome {
    let (kind, name) = (visit.part("kind"), visit.part("policy"));
    let own = address(kind, name);
    let body = view::confirm_loss(
        visit,
        &format!("{own}/delete"),
        "Delete the policy",
        &own,
        &html! { p { "All its versions go. A policy that is attached still is not deleted: detach it first." } },
    );
    Ok(Page::new(SECTION, format!("Delete {name}?"), body)
        .under("Policies", format!("{ROOT}{SECTION}"))
        .under(name, own)
        .into())
}

async fn delete(visit: &Visit<'_>) -> Outcome {
    let parameters = [("PolicyName", visit.part("policy")), ("CascadingDelete", "true")];
    let done = visit.api.try_call("DeletePolicy", &parameters).await;
    let changed = done.map_err(|fault| Trouble::fault("DeletePolicy", fault))?;
    Ok(proposal::after(changed.generation, "DeletePolicy", &format!("{ROOT}{SECTION}")))
}
