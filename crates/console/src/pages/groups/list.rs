//! All groups, the newest first.

use maud::html;
use serde_json::Value;

use super::SECTION;
use crate::{
    ROOT,
    api::Api,
    form::Form,
    json::{count, items, number, text},
    response::Page,
    router::Outcome,
    trouble::Trouble,
    view::{self, Cell, Row, fields::Field, list, time},
    visit::Visit,
};

/// The operation that narrows the list.
const SEARCH: &str = "ListSecurityGroups";
/// What it narrows the list by, beside the text.
const FILTERS: [&str; 2] = ["HasMembers", "InstanceId"];

pub(super) async fn show(visit: &Visit<'_>) -> Outcome {
    let query = &visit.query;
    let may_search = visit.api.permits(SEARCH, &[]).await;
    let (answer, fault) = find(&visit.api, query, may_search).await?;
    let groups = items(&answer, "SecurityGroups.SecurityGroup");
    let new = view::main_link(&format!("{ROOT}/groups/new"), "Create a group");
    let table = (!groups.is_empty()).then(|| {
        view::table("Security groups", &["Name", "Description", "Members", "Created"], groups.iter().map(row))
    });
    let members = [("", "Any"), ("true", "With members"), ("false", "Without members")];
    let list = list::List {
        section: SECTION,
        what: "security groups",
        hint: if may_search {
            "A part of the name, or four characters of the id and more"
        } else {
            "An id, or the whole name"
        },
        filters: html! {
            @if may_search {
                (Field::new("HasMembers", "Members", query.get("HasMembers")).required().filter(members))
                (Field::new("InstanceId", "Of an instance", query.get("InstanceId")).hint("Its id, `i-...`").text())
            }
        },
        none: view::empty(
            "There are no security groups yet.",
            &html! { "A group holds rules about packets and has members: what joins it is decided by its rules. Create one, add rules, and let instances join." },
            Some(&new),
        ),
        no_match: view::empty(
            "No group matches.",
            &html! { @if may_search { "Try a shorter text, or fewer filters." } @else { "The name has to be the whole one." } },
            None,
        ),
    };
    let labels = [("InstanceId", "Of an instance"), ("HasMembers", "Members"), ("SearchKey", "Search")];
    let body = match &fault {
        Some(fault) => list.refused(query, &view::wrong_filter(SEARCH, fault, &labels)),
        None => list.show(query, &answer, table.as_ref()),
    };
    let status = fault.map_or(200, |fault| fault.status);
    Ok(Page::new(SECTION, "Security groups", body).actions(new).status(status).into())
}

/// The groups that a query string asks for, by the operation that finds parts of names where the caller may call it; who may
/// not is told so by it where something else is asked for than a name.
async fn find(
    api: &Api,
    query: &Form,
    may_search: bool,
) -> Result<(Value, Option<wire::catalogue::Fault>), Trouble> {
    let page = list::page_number(query);
    let mut parameters = list::page_parameters(&page);
    let filters: Vec<(&str, &str)> =
        FILTERS.iter().filter_map(|name| query.given(name).map(|value| (*name, value))).collect();
    let wanted = query.given("q");
    if filters.is_empty() && (wanted.is_none() || !may_search) {
        let exact =
            |wanted: &str| if wanted.starts_with("sg-") { "SecurityGroupId" } else { "SecurityGroupName" };
        parameters.extend(wanted.map(|wanted| (exact(wanted), wanted)));
        return Ok((api.read("DescribeSecurityGroups", &parameters).await?, None));
    }
    parameters.extend(wanted.map(|wanted| ("SearchKey", wanted)));
    parameters.extend(filters);
    api.filtered(SEARCH, &parameters).await
}

/// A row of either operation: the one has the ids of members, the other their number.
fn row(group: &Value) -> Row {
    let id = text(group, "SecurityGroupId");
    let listed = items(group, "NetworkInterfaceIds.NetworkInterfaceId").len();
    let counted = number(group, "NetworkInterfaceCount").and_then(|own| u64::try_from(own).ok());
    let interfaces = counted.unwrap_or(u64::try_from(listed).unwrap_or(u64::MAX));
    vec![
        Cell::head(view::named(&super::address(id), text(group, "SecurityGroupName"), id)),
        Cell::of(html! { (text(group, "Description")) }),
        Cell::number(html! { (view::several(count(group, "InstanceCount"), "instance", "instances"))
        @if interfaces > 0 { span .beneath .soft { (view::several(interfaces, "further interface", "further interfaces")) } } }),
        Cell::of(time::at(text(group, "CreationTime"))).nowrap(),
    ]
}
