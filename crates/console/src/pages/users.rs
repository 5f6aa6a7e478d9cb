//! RAM users: their list, one of them with keys and policies. The secret of a key is shown once.

use maud::{Markup, html};
use serde_json::Value;
use wire::{catalogue::Fault, protocol::percent};

use super::choices;
use crate::{
    ROOT,
    api::Changed,
    form::Form,
    json::{flag, items, text},
    proposal,
    response::Page,
    router::{Outcome, Route},
    trouble::Trouble,
    view::{
        self, Cell, Row, Tone,
        fields::{self, Field},
        time,
    },
    visit::Visit,
};

const SECTION: &str = "/users";

pub(crate) const ROUTES: &[Route] = &[
    Route::read("/users", |visit| Box::pin(show_all(visit))),
    Route::read("/users/new", |visit| Box::pin(form(visit))),
    Route::send("/users/new", |visit| Box::pin(create(visit))),
    Route::read("/users/{user}", |visit| Box::pin(show(visit))),
    Route::send("/users/{user}/keys", |visit| Box::pin(create_key(visit))),
    Route::read("/users/{user}/keys/{key}/delete", |visit| Box::pin(ask_to_delete_key(visit))),
    Route::send("/users/{user}/keys/{key}/{act}", |visit| Box::pin(change_key(visit))),
    Route::send("/users/{user}/policies", |visit| Box::pin(attach(visit))),
    Route::read("/users/{user}/policies/detach", |visit| Box::pin(ask_to_detach(visit))),
    Route::send("/users/{user}/policies/detach", |visit| Box::pin(detach(visit))),
    Route::read("/users/{user}/delete", |visit| Box::pin(ask_to_delete(visit))),
    Route::send("/users/{user}/delete", |visit| Box::pin(delete(visit))),
];

/// The page of a user. A browser takes dots for another address, and one name is that of the form for new users: before
/// those stands a sign that no name has.
pub(super) fn address(name: &str) -> String {
    let sign = if matches!(name, "new" | "." | "..") { "=" } else { "" };
    view::address_of("users", &format!("{sign}{name}"))
}

/// The user that an address names.
fn name_of<'v>(visit: &'v Visit<'_>) -> &'v str {
    let part = visit.part("user");
    part.strip_prefix('=').unwrap_or(part)
}

async fn show_all(visit: &Visit<'_>) -> Outcome {
    let mut parameters = vec![("MaxItems", "50")];
    parameters.extend(visit.query.given("marker").map(|marker| ("Marker", marker)));
    let answer = visit.api.read("ListUsers", &parameters).await?;
    let users = items(&answer, "Users.User");
    let new = view::main_link(&format!("{ROOT}/users/new"), "Create a user");
    let body = if users.is_empty() {
        view::empty(
            "There are no RAM users.",
            &html! { "A user has keys of its own and may do what its policies allow. Make one for each person and program, and keep the root key away from daily work." },
            Some(&new),
        )
    } else {
        html! {
            (view::table("RAM users", &["Name", "Shown as", "Comments", "Created"], users.iter().map(|user| vec![
                Cell::head(html! { a .named href=(address(text(user, "UserName"))) { (text(user, "UserName")) } }),
                Cell::of(html! { (text(user, "DisplayName")) }),
                Cell::of(html! { (text(user, "Comments")) }),
                Cell::of(time::at(text(user, "CreateDate"))).nowrap(),
            ])))
            (more(&visit.query, &answer))
        }
    };
    Ok(Page::new(SECTION, "RAM users", body).actions(new).into())
}

/// The way to the rest of a list that goes on.
pub(super) fn more(query: &Form, answer: &Value) -> Markup {
    html! {
        @if flag(answer, "IsTruncated") {
            nav .pager aria-label="Pages" { p {} a .button rel="next" href=(view::list::with(query, "marker", text(answer, "Marker"))) { "Next" } }
        }
    }
}

async fn form(visit: &Visit<'_>) -> Outcome {
    Ok(form_page(visit, None).into())
}

fn form_page(visit: &Visit<'_>, fault: Option<&Fault>) -> Page {
    let form = &visit.form;
    let body = html! {
        @if let Some(fault) = fault { (view::refusal(fault)) }
        div .card .measure {
            (view::form(visit, &format!("{ROOT}/users/new"), &html! {
                (Field::new("UserName", "Name", form.get("UserName")).hint("Letters, digits, . _ - @").required().text())
                (Field::new("DisplayName", "Shown as", form.get("DisplayName")).text())
                (Field::new("Comments", "Comments", form.get("Comments")).text())
                (fields::buttons("Create the user", &format!("{ROOT}{SECTION}")))
            }))
        }
    };
    Page::new(SECTION, "Create a RAM user", body)
        .under("RAM users", format!("{ROOT}{SECTION}"))
        .status(fault.map_or(200, |fault| fault.status))
}

async fn create(visit: &Visit<'_>) -> Outcome {
    let given = |name: &'static str| visit.form.given(name).map(|value| (name, value));
    let parameters: Vec<_> = ["UserName", "DisplayName", "Comments"].into_iter().filter_map(given).collect();
    match visit.api.try_call("CreateUser", &parameters).await {
        Ok(changed) => {
            let own = address(visit.form.get("UserName"));
            Ok(proposal::after(changed.generation, "CreateUser", &own))
        }
        Err(fault) => Ok(form_page(visit, Some(&fault)).into()),
    }
}

async fn show(visit: &Visit<'_>) -> Outcome {
    let name = name_of(visit);
    let known = visit.api.read("GetUser", &[("UserName", name)]).await?;
    let own = address(name);
    let body = html! {
        (view::facts(&[
            ("Shown as", html! { (text(&known, "User.DisplayName")) }),
            ("Comments", html! { (text(&known, "User.Comments")) }),
            ("E-mail", html! { (text(&known, "User.Email")) }),
            ("Id", view::id(text(&known, "User.UserId"))),
            ("Created", time::at(text(&known, "User.CreateDate"))),
        ]))
        (keys(visit, name, &own).await)
        (policies(visit, name, &own).await)
    };
    Ok(Page::new(SECTION, name, body)
        .under("RAM users", format!("{ROOT}{SECTION}"))
        .actions(html! {
            (view::button_link(&format!("{ROOT}/access?UserName={}", percent::encode(name)), "Check access"))
            (view::button_link(&format!("{own}/delete"), "Delete"))
        })
        .into())
}

async fn keys(visit: &Visit<'_>, name: &str, own: &str) -> Markup {
    let found = visit.api.try_call("ListAccessKeys", &[("UserName", name)]).await;
    let body = match &found {
        Err(fault) => view::refusal(fault),
        Ok(found) => {
            let keys = items(&found.answer, "AccessKeys.AccessKey");
            html! {
                @if keys.is_empty() { p .soft { "It has no access key: nobody can call in its name." } }
                @else {
                    (view::table("Access keys of this user", &["Access key ID", "State", "Created", ""], keys.iter().map(|key| key_row(visit, key, own))))
                }
            }
        }
    };
    view::section(
        "Access keys",
        &html! {
            (body)
            (view::form(visit, &format!("{own}/keys"), &html! { div .buttons { button .button type="submit" { "Create an access key" } } }))
        },
    )
}

fn key_row(visit: &Visit<'_>, key: &Value, own: &str) -> Row {
    let id = text(key, "AccessKeyId");
    let (act, name) =
        if text(key, "Status") == "Active" { ("disable", "Switch off") } else { ("enable", "Switch on") };
    let key_address = format!("{own}/keys/{}", percent::encode(id));
    vec![
        Cell::head(html! { code { (id) } }),
        Cell::of(view::state(text(key, "Status"))),
        Cell::of(time::at(text(key, "CreateDate"))).nowrap(),
        Cell::of(html! { div .buttons .right-side {
            (view::form(visit, &format!("{key_address}/{act}"), &html! {
                        button .button .small type="submit" { (name) span .hidden { ": " (id) } }
            }))
            a .button .small href={ (key_address) "/delete" } { "Delete" span .hidden { ": " (id) } }
        } })
        .right(),
    ]
}

async fn policies(visit: &Visit<'_>, name: &str, own: &str) -> Markup {
    let found = visit.api.try_call("ListPoliciesForUser", &[("UserName", name)]).await;
    let choices = choices::policies(&visit.api).await;
    let body = match &found {
        Err(fault) => view::refusal(fault),
        Ok(found) => {
            let attached = items(&found.answer, "Policies.Policy");
            html! {
                @if attached.is_empty() { p .soft { "No policy is attached: it may do nothing but ask who it is." } }
                @else {
                    (view::table("Policies of this user", &["Policy", "Type", "Description", ""], attached.iter().map(|policy| policy_row(policy, own))))
                }
            }
        }
    };
    view::section(
        "Policies",
        &html! {
            (body)
            (view::form(visit, &format!("{own}/policies"), &html! {
                div .fields .measure {
                    (Field::new("policy", "Attach", "").required().choice([("", "Choose a policy")].into_iter().chain(choices::pairs(&choices))))
                }
                div .buttons { button .button type="submit" { "Attach the policy" } }
            }))
        },
    )
}

fn policy_row(policy: &Value, own: &str) -> Row {
    let (kind, name) = (text(policy, "PolicyType"), text(policy, "PolicyName"));
    let detach = format!("{own}/policies/detach?policy={}", percent::encode(&format!("{kind}:{name}")));
    vec![
        Cell::head(
            html! { a href={ (view::address_of("policies", kind)) "/" (percent::encode(name)) } { (name) } },
        ),
        Cell::of(html! { (kind) }),
        Cell::of(html! { (text(policy, "Description")) }),
        Cell::of(html! { a .button .small href=(detach) { "Detach" span .hidden { ": " (name) } } }).right(),
    ]
}

async fn create_key(visit: &Visit<'_>) -> Outcome {
    let name = name_of(visit);
    let made = visit.api.try_call("CreateAccessKey", &[("UserName", name)]).await;
    let Changed { generation, answer: made } =
        made.map_err(|fault| Trouble::fault("CreateAccessKey", fault))?;
    let body = html! {
        (view::notice(Tone::Warning, "The secret is shown this once.", &html! { p { "The server shows it to nobody again. Who loses it makes a new key." } }))
        div .card .measure {
            h2 { "Access key ID" }
            pre #key-id tabindex="0" aria-label="Access key ID" { (text(&made, "AccessKey.AccessKeyId")) }
            div .buttons { button .button type="button" data-copy="key-id" { "Copy the ID" } }
            h2 { "Access key secret" }
            pre #key-secret tabindex="0" aria-label="Access key secret" { (text(&made, "AccessKey.AccessKeySecret")) }
            div .buttons { button .button type="button" data-copy="key-secret" { "Copy the secret" } }
        }
        div .buttons {
            (view::main_link(&address(name), "I have kept it"))
            (proposal::way_to(generation, "CreateAccessKey", &address(name)))
        }
    };
    Ok(Page::new(SECTION, "A new access key", body)
        .under("RAM users", format!("{ROOT}{SECTION}"))
        .under(name, address(name))
        .once()
        .into())
}

async fn change_key(visit: &Visit<'_>) -> Outcome {
    let (name, key) = (name_of(visit), visit.part("key"));
    let mut parameters = vec![("UserName", name), ("UserAccessKeyId", key)];
    let operation = match visit.part("act") {
        "enable" => {
            parameters.push(("Status", "Active"));
            "UpdateAccessKey"
        }
        "disable" => {
            parameters.push(("Status", "Inactive"));
            "UpdateAccessKey"
        }
        "delete" => "DeleteAccessKey",
        _ => return Err(Trouble::NotFound),
    };
    let done = visit.api.try_call(operation, &parameters).await;
    let changed = done.map_err(|fault| Trouble::fault(operation, fault))?;
    Ok(proposal::after(changed.generation, operation, &address(name)))
}

async fn ask_to_delete_key(visit: &Visit<'_>) -> Outcome {
    let (name, key) = (name_of(visit), visit.part("key"));
    let own = address(name);
    let body = view::confirm_loss(
        visit,
        &format!("{own}/keys/{}/delete", percent::encode(key)),
        "Delete the key",
        &own,
        &html! {
            p { "The access key " code { (key) } " of " strong { (name) } " is deleted, and its secret with it: who calls with it is "
                "refused from then on, and who signed in with it is signed out. This cannot be undone." }
            p { "A key that is switched off does nothing either, and can be switched on again." }
        },
    );
    Ok(Page::new(SECTION, "Delete this access key?", body)
        .under("RAM users", format!("{ROOT}{SECTION}"))
        .under(name, own)
        .into())
}

/// The type and the name of a policy, as a form says them.
fn policy_of(form: &Form) -> Result<(&str, &str), Trouble> {
    form.get("policy").split_once(':').ok_or(Trouble::MalformedForm)
}

async fn ask_to_detach(visit: &Visit<'_>) -> Outcome {
    let name = name_of(visit);
    let (kind, policy) = policy_of(&visit.query)?;
    let own = address(name);
    let what = html! {
        p { "What the policy " strong { (policy) } " allows, " strong { (name) } " may not do any more where no other policy of "
            "this user allows it; and what it denies is denied by other policies alone." }
        p { "It counts from the next call on. The policy stays, and can be attached again." }
    };
    let body = html! {
        div .card .measure {
            (what)
            (view::form(visit, &format!("{own}/policies/detach"), &html! {
                input type="hidden" name="policy" value={ (kind) ":" (policy) };
                (fields::buttons("Detach the policy", &own))
            }))
        }
    };
    Ok(Page::new(SECTION, "Detach this policy?", body)
        .under("RAM users", format!("{ROOT}{SECTION}"))
        .under(name, own)
        .into())
}

/// Attaches or detaches the policy that the form names.
async fn change_policy(visit: &Visit<'_>, operation: &'static str) -> Outcome {
    let name = name_of(visit);
    let (kind, policy) = policy_of(&visit.form)?;
    let parameters = [("PolicyType", kind), ("PolicyName", policy), ("UserName", name)];
    let done = visit.api.try_call(operation, &parameters).await;
    let changed = done.map_err(|fault| Trouble::fault(operation, fault))?;
    Ok(proposal::after(changed.generation, operation, &address(name)))
}

async fn attach(visit: &Visit<'_>) -> Outcome {
    change_policy(visit, "AttachPolicyToUser").await
}

async fn detach(visit: &Visit<'_>) -> Outcome {
    change_policy(visit, "DetachPolicyFromUser").await
}

async fn ask_to_delete(visit: &Visit<'_>) -> Outcome {
    let name = name_of(visit);
    let own = address(name);
    let body = view::confirm_loss(
        visit,
        &format!("{own}/delete"),
        "Delete the user",
        &own,
        &html! { p { "A user that has keys or policies still is not deleted: delete and detach them first." } },
    );
    Ok(Page::new(SECTION, format!("Delete {name}?"), body)
        .under("RAM users", format!("{ROOT}{SECTION}"))
        .under(name, own)
        .into())
}

async fn delete(visit: &Visit<'_>) -> Outcome {
    let done = visit.api.try_call("DeleteUser", &[("UserName", name_of(visit))]).await;
    let changed = done.map_err(|fault| Trouble::fault("DeleteUser", fault))?;
    Ok(proposal::after(changed.generation, "DeleteUser", &format!("{ROOT}{SECTION}")))
}
